package storage

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// StandingQueries are the queries of Standing, for tests of what they cost.
func StandingQueries() map[string]string {
	return map[string]string{
		"Counts": standingCountsSQL, "Oldest": standingOldestSQL, "Unknown": standingUnknownSQL,
		"Account": standingAccountSQL, "Recent": standingRecentSQL,
	}
}

// EncodeRows writes the rows of content as they are sent to Postgres, but for the
// protocol around them, and returns how many bytes they take.
func EncodeRows(types *pgtype.Map, content Content) (int, error) {
	batch := &pgx.Batch{}
	queueRows(batch, content, arguments(content.key(), "document"))
	var builder pgx.ExtendedQueryBuilder
	bytes := 0
	for _, query := range batch.QueuedQueries {
		description := &pgconn.StatementDescription{}
		for _, argument := range query.Arguments {
			oid := uint32(pgtype.TextOID)
			if a, ok := argument.(array); ok {
				oid = map[uint32]uint32{pgtype.TextOID: pgtype.TextArrayOID, pgtype.Int4OID: pgtype.Int4ArrayOID}[a.element()]
			}
			description.ParamOIDs = append(description.ParamOIDs, oid)
		}
		if err := builder.Build(types, description, query.Arguments); err != nil {
			return 0, err
		}
		for _, value := range builder.ParamValues {
			bytes += len(value)
		}
	}
	return bytes, nil
}

// TakeArrays is takeArrays for the types of a connection.
func TakeArrays(types *pgtype.Map) { takeArrays(types) }

// AppendField writes a value as it is copied in and compared.
func AppendField(cast string, cell any) (field []byte, ok bool) {
	return (&column{cast: cast}).appendField(nil, cell)
}

// SaveAlone is Save without others.
func (db *DB) SaveAlone(ctx context.Context, a Answer, content Content, end AttemptEnd) (Saved, error) {
	return save(ctx, db.pool, a, content, end, true)
}

// CopyRows writes the rows of content as COPY takes them, and returns how many bytes
// they take.
func CopyRows(content Content) (bytes int, ok bool) {
	c, ok := newCopyable(uuid.UUID{}, content)
	for _, i := range c.images {
		bytes += len(i.bytes)
	}
	return bytes, ok
}
