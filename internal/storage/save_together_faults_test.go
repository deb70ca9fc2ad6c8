package storage_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// TestDB_Save_Together_LostReply: the connection of a group breaks before anybody is told,
// at its first statement or after its commit: all is saved, and once.
func TestDB_Save_Together_LostReply(t *testing.T) {
	t.Parallel()
	for name, to := range map[string]string{"Statement": "", "Commit": "commit"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := storagetest.URL(t)
			lost := replies{to: to}
			db, err := storage.Open(t.Context(), address, 4, lost.option)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(db.Close)
			const n = 8
			c := callFor(t, db, address, someContents(n)...)
			lost.next.Store(true)
			if _, errs := c.saveAll(t); errors.Join(errs...) != nil {
				t.Error(errors.Join(errs...))
			}
			if lost.next.Load() {
				t.Fatal("no reply was lost")
			}
			got := storagetest.Rows(t, address, `SELECT (SELECT count(*) FROM cas.documents WHERE status = 'parsed'), (SELECT count(*) FROM cas.answers),
				(SELECT count(*) FROM cas.attempts WHERE outcome = 'answered'), (SELECT sum(credits) FROM cas.document_changes)`)
			if diff := cmp.Diff([][]string{{"8", "8", "8", "4.0"}}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestDB_Save_Together_HeldKey: whoever is about to write rows at the key of one document
// keeps no other from being saved.
func TestDB_Save_Together_HeldKey(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	const n, held = 12, 5
	c := callFor(t, db, address, someContents(n)...)
	release := holding(t, address, `INSERT INTO cas.statements (pan, period_from, period_to, cas_type, received_at, document_id, revision, transaction_count)
		VALUES ('`+many(held).Key.PAN+`', '2025-04-01', '2025-04-30', 'NSDL', now(), gen_random_uuid(), 1, 0)`)
	var others, last sync.WaitGroup
	for i := range n {
		group := &others
		if i == held {
			group = &last
		}
		group.Go(func() {
			if _, err := c.save(t, i, db.Save); err != nil {
				t.Errorf("document %d: %v", i, err)
			}
		})
	}
	others.Wait()
	release()
	last.Wait()
	if got := storagetest.Rows(t, address, `SELECT count(*) FROM cas.documents WHERE status = 'parsed'`)[0][0]; got != fmt.Sprint(n) {
		t.Errorf("%s documents are parsed, want %d", got, n)
	}
}

// TestDB_Save_Together_Frozen: a group whose connection goes dead in its midst, without
// Postgres being told, lets go of its documents all the same.
func TestDB_Save_Together_Frozen(t *testing.T) {
	t.Parallel()
	address := storagetest.URL(t)
	var dead frozen
	t.Cleanup(dead.close)
	db, err := storage.Open(t.Context(), address, 4, dead.option)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	c := callFor(t, db, address, someContents(4)...)
	dead.at.Store(new("COPY cas.answers"))
	if _, errs := c.saveAll(t); errors.Join(errs...) != nil {
		t.Error(errors.Join(errs...))
	}
	if dead.at.Load() != nil {
		t.Fatal("no connection went dead")
	}
	got := storagetest.Rows(t, address, `SELECT count(*) FROM cas.documents WHERE status = 'parsed'`)
	if diff := cmp.Diff([][]string{{"4"}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// frozen are connections of which the first one that is to send a text goes dead: nothing
// comes through any more, not even its end.
type frozen struct {
	at    atomic.Pointer[string]
	mu    sync.Mutex
	conns []net.Conn
}

func (f *frozen) option(config *pgxpool.Config) {
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		return &frozenConn{Conn: conn, of: f, closed: make(chan struct{})}, err
	}
}

func (f *frozen) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, conn := range f.conns {
		_ = conn.Close()
	}
}

type frozenConn struct {
	net.Conn
	of     *frozen
	dead   atomic.Bool
	once   sync.Once
	closed chan struct{}
}

func (c *frozenConn) Write(p []byte) (int, error) {
	if at := c.of.at.Load(); at != nil && bytes.Contains(p, []byte(*at)) && c.of.at.CompareAndSwap(at, nil) {
		c.dead.Store(true)
		c.of.mu.Lock()
		c.of.conns = append(c.of.conns, c.Conn)
		c.of.mu.Unlock()
	}
	if c.dead.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

func (c *frozenConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.dead.Load() {
		<-c.closed
		return 0, net.ErrClosed
	}
	return n, err
}

func (c *frozenConn) SetDeadline(at time.Time) error {
	if c.dead.Load() && !at.IsZero() { // pgx gives up
		c.once.Do(func() { close(c.closed) })
	}
	return c.Conn.SetDeadline(at)
}

func (c *frozenConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	if c.dead.Load() {
		return nil
	}
	return c.Conn.Close()
}
