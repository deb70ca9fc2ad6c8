package storage_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// TestDB_ResaveAll_Erased: an answer of somebody else that was read before a PAN in it was
// erased does not bring that PAN back.
func TestDB_ResaveAll_Erased(t *testing.T) {
	t.Parallel()
	const erased = "ZZZPJ0009Z"
	for name, change := range map[string]func(*storage.Statement){
		"as it stood": func(*storage.Statement) {},
		"another key": func(s *storage.Statement) { s.Key.CASType = "CDSL" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, address := storagetest.NewURL(t)
			joint := func() *storage.Statement {
				s := many(1)
				s.LinkedHolders = append(s.LinkedHolders, storage.LinkedHolder{HolderKind: storage.KindOfDemat, Ordinal: 1, PAN: erased})
				return s
			}
			id := record(t, db, newDocument("joint.pdf", storage.QueueBulk))[0]
			answer := answerFor(id)
			answer.Body = []byte(`{"pan":"` + erased + `"}`)
			if _, err := db.Save(t.Context(), answer, joint(), storage.AttemptEnd{}); err != nil {
				t.Fatal(err)
			}
			answers, err := db.Answers(t.Context(), []uuid.UUID{id})
			if err != nil {
				t.Fatal(err)
			}
			read := joint()
			change(read)
			if _, err := db.Erase(t.Context(), erased, nil, "test", 0); err != nil {
				t.Fatal(err)
			}
			want := texts(t, address)
			if saved := resaveAll(t, db, []storage.Reread{reread(answers[id], read)})[0]; !errors.Is(saved.Err, storage.ErrNotFound) {
				t.Errorf("ResaveAll() = %+v, want not found", saved)
			}
			if strings.Contains(storagetest.Everything(t, address), erased) {
				t.Error("the PAN is there again")
			}
			if diff := cmp.Diff(want, texts(t, address)); diff != "" {
				t.Errorf("rows have changed (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDB_ResaveAll_MovedRefused: an answer whose rows are another key's now, and which
// Postgres refuses, leaves those that stand.
func TestDB_ResaveAll_MovedRefused(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	rereads := replayed(t, db, many(1))
	want := texts(t, address)
	moved := many(1)
	moved.Key.CASType, moved.DematHoldings[0].AssetClass = "CDSL", "unheard of"
	rereads[0].Content = moved
	if saved := resaveAll(t, db, rereads)[0]; !errors.Is(saved.Err, storage.ErrRefused) {
		t.Errorf("ResaveAll() = %+v, want refused", saved)
	}
	if diff := cmp.Diff(want, texts(t, address)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestDB_ResaveAll_RefusedKey: a key that Postgres refuses keeps no other answer from
// being read anew.
func TestDB_ResaveAll_RefusedKey(t *testing.T) {
	t.Parallel()
	db, _ := storagetest.NewURL(t)
	rereads := replayed(t, db, fullNote(0, "one"), fullNote(0, "two"))
	bad := fullNote(0, "one")
	bad.Key.Number = "1\x00"
	rereads[0].Content = bad
	for i, want := range []error{storage.ErrRefused, nil} {
		if got := resaveAll(t, db, rereads)[i]; !errors.Is(got.Err, want) {
			t.Errorf("%d: %+v, want %v", i, got, want)
		}
	}
}

// TestDB_ResaveAll_Partitioned: rows are compared and written the same where the tables
// are partitioned.
func TestDB_ResaveAll_Partitioned(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	rereads := replayed(t, db, many(1), fullNote(0, "one"), many(2))
	runScript(t, address, partitionPath)
	before, want := versions(t, address), texts(t, address)
	resaveAll(t, db, rereads)
	if diff := cmp.Diff(before, versions(t, address)); diff != "" {
		t.Errorf("rows are written (-before +after):\n%s", diff)
	}
	storagetest.Rows(t, address, `UPDATE cas.transactions SET amount = 1`)
	storagetest.Rows(t, address, `UPDATE cas.statements SET investor_name = 'x'`)
	storagetest.Rows(t, address, `DELETE FROM cas.contract_note_trades`)
	for i, saved := range resaveAll(t, db, rereads) {
		if !saved.Current || saved.Err != nil {
			t.Errorf("%d: %+v, want current", i, saved)
		}
	}
	if diff := cmp.Diff(want, texts(t, address)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestDB_Erase_Rereading: an erasure waits for rows that are being written of an answer
// that mentions the PAN, and masks it in them.
func TestDB_Erase_Rereading(t *testing.T) {
	t.Parallel()
	const erased = "ZZZPJ0009Z"
	db, address := storagetest.NewURL(t)
	id := record(t, db, newDocument("joint.pdf", storage.QueueBulk))[0]
	answer := answerFor(id)
	answer.Body = []byte(`{"pan":"` + erased + `"}`)
	joint := many(1)
	joint.LinkedHolders = append(joint.LinkedHolders, storage.LinkedHolder{HolderKind: storage.KindOfDemat, Ordinal: 1, Name: "Old", PAN: erased})
	if _, err := db.Save(t.Context(), answer, joint, storage.AttemptEnd{}); err != nil {
		t.Fatal(err)
	}
	joint.LinkedHolders[1].Name, joint.Checks[0].Detail = "New", "new"

	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.Exec(t.Context(), "BEGIN; SELECT FROM cas.statement_checks FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	waiting := func(n string) {
		t.Helper()
		for got := ""; got != n; {
			got = storagetest.Rows(t, address, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0`)[0][0]
		}
	}
	var group sync.WaitGroup
	group.Go(func() {
		if _, err := db.ResaveAll(t.Context(), []storage.Reread{reread(answer, joint)}); err != nil {
			t.Error(err)
		}
	})
	waiting("1")
	group.Go(func() {
		if _, err := db.Erase(t.Context(), erased, nil, "test", 0); err != nil {
			t.Error(err)
		}
	})
	waiting("2")
	if _, err := conn.Exec(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	group.Wait()
	if got := storagetest.Rows(t, address, `SELECT name, holder_pan FROM cas.linked_holders WHERE ordinal = 1`); !cmp.Equal(got, [][]string{{"New", "ZZ*******Z"}}) {
		t.Errorf("linked holder %v", got)
	}
	if strings.Contains(storagetest.Everything(t, address), erased) {
		t.Error("the PAN is there still")
	}
}
