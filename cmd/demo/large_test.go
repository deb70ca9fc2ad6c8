package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"casflow/internal/samples"
)

// largeDocuments are many PDFs that take no room: one large one, each time with
// another number behind its end. S3 and the API are servers of their own, which
// keep nothing of them.
type largeDocuments struct {
	s3, api     *httptest.Server
	allUnderWay chan struct{} // closed when every one is being called for
	answer      chan struct{} // to be closed: calls may be answered

	pdf      []byte
	password string
	answers  [][]byte // by number, each a statement of its own
	thinks   time.Duration
	begun    atomic.Int64
}

func newLargeDocuments(tb testing.TB, n int, thinks time.Duration) *largeDocuments {
	tb.Helper()
	d := &largeDocuments{allUnderWay: make(chan struct{}), answer: make(chan struct{}), thinks: thinks}
	for s := range samples.Generate(samples.Options{Investors: n, Seed: 127, MinBytes: largePDF, MaxBytes: largePDF}) {
		d.answers = append(d.answers, s.Answer)
		if d.pdf != nil {
			continue
		}
		var err error
		if d.pdf, err = s.PDF(); err != nil {
			tb.Fatal(err)
		}
		d.password = s.Password
	}
	d.s3, d.api = httptest.NewServer(http.HandlerFunc(d.serveS3)), httptest.NewServer(http.HandlerFunc(d.serveAPI))
	tb.Cleanup(d.s3.Close)
	tb.Cleanup(d.api.Close)
	return d
}

// mark is what tells a PDF from the others: a comment.
func mark(n int) string { return fmt.Sprintf("%%%08d\n", n) }

// serveS3 lists and gives the objects.
func (d *largeDocuments) serveS3(w http.ResponseWriter, r *http.Request) {
	size := len(d.pdf) + len(mark(0))
	if r.URL.Query().Has("list-type") {
		_, _ = io.WriteString(w, "<ListBucketResult><IsTruncated>false</IsTruncated>")
		for n := range d.answers {
			_, _ = fmt.Fprintf(w, "<Contents><Key>in/%08d-%s.pdf</Key><ETag>%d</ETag><Size>%d</Size></Contents>", n, d.password, n, size)
		}
		_, _ = io.WriteString(w, "</ListBucketResult>")
		return
	}
	_, name, isObject := strings.Cut(r.URL.Path, "/in/")
	if !isObject {
		return // the bucket is there
	}
	number, _, _ := strings.Cut(name, "-")
	n, err := strconv.Atoi(number)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(size))
	w.Header().Set("ETag", strconv.Itoa(n))
	_, _ = io.Copy(w, io.MultiReader(bytes.NewReader(d.pdf), strings.NewReader(mark(n))))
}

// serveAPI answers with the statement of the PDF's number, once all calls are
// under way and it has thought for long enough.
func (d *largeDocuments) serveAPI(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/parse") {
		_, _ = io.WriteString(w, `{"is_unlimited":true}`)
		return
	}
	var end ending
	if _, err := io.Copy(&end, r.Body); err != nil {
		return
	}
	_, text, _ := strings.Cut(string(end[:]), "%%EOF\n%")
	n, err := strconv.Atoi(text[:len(mark(0))-2])
	if err != nil {
		http.Error(w, "which PDF is this?", http.StatusBadRequest)
		return
	}
	thought := time.After(d.thinks)
	if d.begun.Add(1) == int64(len(d.answers)) {
		close(d.allUnderWay)
	}
	<-d.answer
	<-thought
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(d.answers[n])
}

// ending keeps the end of what is written to it.
type ending [200]byte

func (e *ending) Write(b []byte) (int, error) {
	copy(e[:], e[min(len(b), len(e)):])
	copy(e[max(0, len(e)-len(b)):], b[max(0, len(b)-len(e)):])
	return len(b), nil
}
