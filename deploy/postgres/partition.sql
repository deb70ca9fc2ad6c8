-- Spreads the statement tables over 8 partitions each, by the hash of the PAN: for
-- installations whose tables have outgrown one piece (doc/scaling.md says when).
-- Run it with psql as the owner of the tables, while no worker runs: it copies every
-- row, in one transaction. No program needs to change, and running it again changes
-- nothing. Grants are lost with the tables: run roles.sql again afterwards.

\set ON_ERROR_STOP on
BEGIN;
SET LOCAL search_path = cas, pg_temp;

DO $$
DECLARE
    partitions constant integer := 8;
    relation   record;
    viewed     record;
    described  record;
BEGIN
    -- Views hold on to their tables: they are made anew, as they are, afterwards.
    CREATE TEMPORARY TABLE made_anew ON COMMIT DROP AS
    SELECT c.oid, c.relname, pg_get_viewdef(c.oid) AS definition, coalesce(' WITH (' || array_to_string(c.reloptions, ', ') || ')', '') AS options
    FROM pg_class c WHERE c.relnamespace = 'cas'::regnamespace AND c.relkind = 'v';
    CREATE TEMPORARY TABLE said_of_them ON COMMIT DROP AS
    SELECT v.oid, v.relname, a.attname, d.description FROM made_anew v
    JOIN pg_description d ON d.objoid = v.oid AND d.classoid = 'pg_class'::regclass
    LEFT JOIN pg_attribute a ON a.attrelid = v.oid AND a.attnum = d.objsubid AND d.objsubid > 0;
    FOR viewed IN SELECT relname FROM made_anew ORDER BY oid DESC LOOP
        EXECUTE format('DROP VIEW cas.%I', viewed.relname);
    END LOOP;

    -- Statement tables are those whose key begins with the PAN.
    FOR relation IN
        SELECT c.relname, k.conname, obj_description(c.oid, 'pg_class') AS meaning
        FROM pg_class c JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1] AND a.attname = 'pan'
        WHERE c.relnamespace = 'cas'::regnamespace AND c.relkind = 'r' AND NOT c.relispartition
        ORDER BY c.relname
    LOOP
        EXECUTE format('ALTER TABLE cas.%I RENAME TO %I', relation.relname, relation.relname || '_whole');
        -- So that the new key gets the old one's name, which it has by default.
        EXECUTE format('ALTER INDEX cas.%I RENAME TO %I', relation.conname, relation.conname || '_whole');
        EXECUTE format('CREATE TABLE cas.%I (LIKE cas.%I INCLUDING ALL) PARTITION BY HASH (pan)', relation.relname, relation.relname || '_whole');
        EXECUTE format('COMMENT ON TABLE cas.%I IS %L', relation.relname, relation.meaning);
        FOR n IN 0 .. partitions - 1 LOOP
            EXECUTE format('CREATE TABLE cas.%I PARTITION OF cas.%I FOR VALUES WITH (MODULUS %s, REMAINDER %s)',
                relation.relname || '_' || n, relation.relname, partitions, n);
        END LOOP;
        EXECUTE format('INSERT INTO cas.%I SELECT * FROM cas.%I', relation.relname, relation.relname || '_whole');
        EXECUTE format('DROP TABLE cas.%I', relation.relname || '_whole');
    END LOOP;

    FOR viewed IN SELECT relname, definition, options FROM made_anew ORDER BY oid LOOP
        EXECUTE format('CREATE VIEW cas.%I%s AS %s', viewed.relname, viewed.options, viewed.definition);
    END LOOP;
    FOR described IN SELECT relname, attname, description FROM said_of_them LOOP
        IF described.attname IS NULL THEN
            EXECUTE format('COMMENT ON VIEW cas.%I IS %L', described.relname, described.description);
        ELSE
            EXECUTE format('COMMENT ON COLUMN cas.%I.%I IS %L', described.relname, described.attname, described.description);
        END IF;
    END LOOP;
END $$;

COMMIT;
