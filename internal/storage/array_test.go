package storage_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgtype"

	"casflow/internal/storage"
)

// BenchmarkEncodeRows makes what is sent to Postgres of a statement of 300 rows.
func BenchmarkEncodeRows(b *testing.B) {
	types := pgtype.NewMap()
	storage.TakeArrays(types)
	s := threeHundred(0)
	b.ReportAllocs()
	for b.Loop() {
		n, err := storage.EncodeRows(types, s)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(n))
	}
}

// BenchmarkCopyRows makes what is copied into Postgres of a statement of 300 rows.
func BenchmarkCopyRows(b *testing.B) {
	s := threeHundred(0)
	b.ReportAllocs()
	for b.Loop() {
		n, ok := storage.CopyRows(s)
		if !ok {
			b.Fatal("the statement cannot be copied")
		}
		b.SetBytes(int64(n))
	}
}
