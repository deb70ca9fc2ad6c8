package storage_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// TestDB_Together_LostReply: a group is committed, and its connection breaks before
// anybody is told. Nobody gets twice what it asked for, and a call that is so not made
// costs nothing.
func TestDB_Together_LostReply(t *testing.T) {
	t.Parallel()
	address := storagetest.URL(t)
	var lost replies
	db, err := storage.Open(t.Context(), address, 4, lost.option)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	ids := record(t, db, batchOf(2)...)
	worker := startWorker(t, db)
	if _, err := db.Claim(t.Context(), ids[0], worker); err != nil { // for all that is prepared
		t.Fatal(err)
	}

	lost.next.Store(true)
	if _, err := db.Claim(t.Context(), ids[1], worker); !errors.Is(err, storage.ErrBusy) {
		t.Errorf("Claim() = %v, want %v", err, storage.ErrBusy)
	}
	if lost.next.Load() {
		t.Fatal("no reply was lost")
	}
	age(t, address)
	if n, err := db.ReleaseAbandoned(t.Context(), worker, ids[:1]); n != 1 || err != nil {
		t.Errorf("ReleaseAbandoned() = %d, %v, want 1", n, err)
	}
	if _, err := db.Claim(t.Context(), ids[1], worker); err != nil {
		t.Error(err)
	}

	begin(t, db, ids[0], worker, "req_first")
	lost.next.Store(true)
	_, err = db.BeginAttempt(t.Context(), storage.NewAttempt{
		RequestID: "req_second", DocumentID: ids[1], WorkerID: worker, Endpoint: "/v4/smart/parse", SHA256: [32]byte{2}, SizeBytes: 9,
	})
	if err == nil || lost.next.Load() {
		t.Errorf("BeginAttempt() = %v after its reply was lost", err)
	}
	if err := db.Stall(t.Context(), ids[1], worker, 0); err != nil {
		t.Error(err)
	}
	rows := storagetest.Rows(t, address, `SELECT d.status, d.attempts, a.outcome, (SELECT sum(calls) FROM cas.call_changes)
		FROM cas.documents d JOIN cas.attempts a USING (document_id) WHERE d.document_id = '`+ids[1].String()+`'`)
	if len(rows) != 1 || rows[0][0] != "pending" || rows[0][1] != "0" || rows[0][2] != "failed" || rows[0][3] != "1" {
		t.Errorf("status, attempts, outcome, calls: %v, want one that is undone", rows)
	}
}

// age makes all claims old.
func age(t *testing.T, address string) {
	t.Helper()
	if err := storagetest.Exec(t, address, `UPDATE cas.documents SET updated_at = now() - interval '1 hour'`); err != nil {
		t.Fatal(err)
	}
}

// replies are those of Postgres to groups, of which the next may be lost: to what
// contains a text, or else to what is executed, and not only prepared.
type replies struct {
	next atomic.Bool
	to   string
}

func (r *replies) option(config *pgxpool.Config) {
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		return &repliedConn{Conn: conn, replies: r}, err
	}
}

// repliedConn is a connection. It is that of groups if it has ever been told how to
// plan for them.
type repliedConn struct {
	net.Conn
	replies *replies
	groups  bool
	lose    atomic.Bool
}

func (c *repliedConn) Write(p []byte) (int, error) {
	c.groups = c.groups || bytes.Contains(p, []byte("force_generic_plan"))
	if c.groups && bytes.Contains(p, []byte(cmp.Or(c.replies.to, "E\x00\x00\x00\x09\x00"))) && c.replies.next.CompareAndSwap(true, false) {
		c.lose.Store(true)
	}
	return c.Conn.Write(p)
}

func (c *repliedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.lose.Load() {
		return 0, errors.Join(io.ErrUnexpectedEOF, c.Close())
	}
	return n, err
}
