package jobs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"

	"casflow/internal/casapi"
	"casflow/internal/redact"
	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// slowAPI is an API that reads what it is sent when it is told to, and answers when
// it is told to.
type slowAPI struct {
	*httptest.Server
	arrived, read chan struct{}
	received      chan struct{}
	answer        chan struct{}
}

func newSlowAPI(t *testing.T) *slowAPI {
	t.Helper()
	a := &slowAPI{arrived: make(chan struct{}), read: make(chan struct{}), received: make(chan struct{}), answer: make(chan struct{})}
	a.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.arrived <- struct{}{}
		<-a.read
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error(err)
		}
		a.received <- struct{}{}
		<-a.answer
		w.WriteHeader(http.StatusUnprocessableEntity)
	}))
	a.Listener = smallBuffers{a.Listener}
	a.Start()
	t.Cleanup(a.Close)
	return a
}

// smallBuffers makes connections that hold little of what is not read yet: so an
// upload comes to its end only where it is read.
type smallBuffers struct{ net.Listener }

func (l smallBuffers) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok && err == nil {
		err = tcp.SetReadBuffer(32 << 10)
	}
	return conn, err
}

// uploader makes calls for documents that it has claimed.
type uploader struct {
	t   *testing.T
	db  *storage.DB
	url string // of the database
	e   *Enqueuer
	p   *Processor
	n   int
}

func newUploader(t *testing.T, a *slowAPI, uploads int) *uploader {
	t.Helper()
	api, err := casapi.New(casapi.Config{BaseURL: a.URL, APIKey: func() redact.Secret { return "key" }})
	if err != nil {
		t.Fatal(err)
	}
	db, url := storagetest.NewURL(t)
	client := newRedis(t)
	metrics, _ := newMetrics()
	p := NewProcessor(ProcessorConfig{
		DB: db, API: api, Limiter: NewLimiter(client, "key", 0, time.Minute), Logger: quiet(), Metrics: metrics, WorkerID: uuid.New(), Uploads: uploads,
	})
	return &uploader{t: t, db: db, url: url, e: NewEnqueuer(db, client, 0), p: p}
}

// next is a call for a document whose PDF is of a size that no socket holds.
func (u *uploader) next() (call func() error) {
	u.t.Helper()
	r, file := u.claimed()
	return func() error {
		_, err := r.call(u.t.Context(), file, "", false, true)
		return err
	}
}

func (u *uploader) claimed() (*run, *pdf) {
	u.t.Helper()
	u.n++
	const size = 3 << 20
	content := largePDF(size)
	content[size-1] = byte(u.n) // or it would wait for the answer to the same bytes
	file, err := spoolBody(u.t, &body{Reader: bytes.NewReader(content)}, size)
	if err != nil {
		u.t.Fatal(err)
	}
	id := submit(u.t, u.e, newDocument(fmt.Sprintf("%d.pdf", u.n), storage.QueueBulk)).DocumentID
	document, err := u.db.Claim(u.t.Context(), id, u.p.WorkerID)
	if err != nil {
		u.t.Fatal(err)
	}
	u.p.UploadLimit = MaxPDFBytes
	return newRun(u.p, document, time.Now()), file
}

// links are Objects that the API is sent to.
type links struct{ fakeObjects }

func (links) Link(context.Context, Object) (string, error) {
	return "https://s3.example.invalid/a.pdf", nil
}

// TestRun_Link: a call by link waits for its answer without the PDF on this disk.
func TestRun_Link(t *testing.T) {
	t.Parallel()
	api := newSlowAPI(t)
	u := newUploader(t, api, 1)
	u.p.Objects = links{}
	r, file := u.claimed()
	ended := make(chan error, 1)
	go func() {
		_, err := r.call(t.Context(), file, "", true, false)
		ended <- err
	}()
	select {
	case <-api.arrived:
	case err := <-ended:
		t.Fatalf("the call ended: %v", err)
	}
	if _, err := file.content.ReadAt(make([]byte, 1), 0); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Reading the PDF = %v, want it closed", err)
	}
	close(api.read)
	<-api.received
	close(api.answer)
	if err := <-ended; !errors.Is(err, casapi.ErrUnprocessable) {
		t.Errorf("call() = %v, want the API's answer", err)
	}
}

// TestRun_Uploads: of many calls so many send their PDFs at once, the others have no
// slot yet; those that wait for their answer hold nobody up.
func TestRun_Uploads(t *testing.T) {
	t.Parallel()
	const calls, atOnce = 6, 2
	api := newSlowAPI(t)
	u := newUploader(t, api, atOnce)
	ended := make(chan error, calls)
	for range calls {
		call := u.next()
		go func() { ended <- call() }()
	}
	begun := 0
	arrive := func() {
		t.Helper()
		select {
		case <-api.arrived:
			begun++
		case err := <-ended:
			t.Fatalf("a call ended: %v", err)
		}
	}
	for range atOnce {
		arrive()
	}
	for sent := range calls {
		rows := storagetest.Rows(t, u.url, `SELECT count(*) <= $1, count(*) FROM cas.attempts`, sent+atOnce)
		if rows[0][0] != "t" {
			t.Errorf("%s calls are begun, of which %d have sent their PDF, want %d at most that have not", rows[0][1], sent, atOnce)
		}
		api.read <- struct{}{}
		<-api.received
		if begun < calls {
			arrive() // though none has been answered
		}
	}
	close(api.answer)
	for range calls {
		if err := <-ended; !errors.Is(err, casapi.ErrUnprocessable) {
			t.Errorf("call() = %v, want the API's answer", err)
		}
	}
}

// TestRun_Uploads_GivenBack: a call that comes to nothing, before or after its slot,
// gives its place back.
func TestRun_Uploads_GivenBack(t *testing.T) {
	t.Parallel()
	api := newSlowAPI(t)
	u := newUploader(t, api, 1)
	never := u.next()
	u.p.WorkerID = uuid.New() // which has not claimed it
	for range 3 {
		if err := never(); err == nil {
			t.Fatal("call() succeeded for a document that another worker has claimed")
		}
	}
	u.p.drain(errShutdown)
	if err := u.next()(); !errors.Is(err, errShutdown) {
		t.Errorf("call() = %v, want the end of the worker", err)
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 0, errNoPermit)
	defer cancel()
	if err := u.p.uploads.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := u.p.uploads.enter(ctx); !errors.Is(err, errNoPermit) {
		t.Errorf("enter() = %v, want no second place", err)
	}
}
