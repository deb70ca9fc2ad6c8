-- Roles for casflow's database. Run it with psql as the role that runs
-- "worker migrate", after "worker migrate up" and again after each upgrade; running
-- it again does no harm. Logins are yours to make: GRANT one of these to them.
--
--   casflow_writer   what worker and enqueuer need at run time; it cannot change the schema
--   casflow_reader   the statements and the ledger, PANs included; no raw answers, no sealed passwords, no callback URLs, which may hold a token
--   casflow_analyst  the pan_masked_* views only

\set ON_ERROR_STOP on
BEGIN;

DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['casflow_writer', 'casflow_reader', 'casflow_analyst'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        END IF;
    END LOOP;
END $$;

GRANT USAGE ON SCHEMA cas TO casflow_writer, casflow_reader, casflow_analyst;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA cas TO casflow_writer;
REVOKE INSERT, UPDATE, DELETE ON cas.schema_migrations FROM casflow_writer;

DO $$
DECLARE
    relation record;
    readable text;
BEGIN
    FOR relation IN
        SELECT c.oid, c.relname, c.relname LIKE 'pan\_masked\_%' AS masked
        FROM pg_class c WHERE c.relnamespace = 'cas'::regnamespace AND c.relkind IN ('r', 'p', 'v')
    LOOP
        EXECUTE format('REVOKE ALL ON cas.%I FROM casflow_reader, casflow_analyst', relation.relname);
        CONTINUE WHEN relation.relname IN ('answers', 'schema_migrations');
        SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO readable
        FROM pg_attribute WHERE attrelid = relation.oid AND attnum > 0 AND NOT attisdropped AND attname NOT IN ('sealed_passwords', 'callback_url');
        EXECUTE format('GRANT SELECT (%s) ON cas.%I TO casflow_reader', readable, relation.relname);
        IF relation.masked THEN
            EXECUTE format('GRANT SELECT ON cas.%I TO casflow_analyst', relation.relname);
        END IF;
    END LOOP;
END $$;

COMMIT;
