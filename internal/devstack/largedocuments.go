package devstack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"casflow/internal/samples"
)

// LargeDocuments are many PDFs that take no room: one large one, each time with
// another number behind its end. S3 and the API are servers of their own, which
// keep nothing of them, and check nothing.
type LargeDocuments struct {
	// S3URL and APIURL are the base URLs of the servers. Every bucket has the
	// documents, as in/NUMBER-PASSWORD.pdf.
	S3URL, APIURL string
	// Password opens all of them.
	Password string

	pdf      []byte
	answers  [][]byte // by number, each a statement of its own
	thinks   time.Duration
	begun    atomic.Int64
	sockets  atomic.Int64
	first    chan struct{}
	underWay chan struct{}
	answer   chan struct{}
	release  func()
	servers  []*HTTPServer
}

// StartLargeDocuments makes n documents of so many bytes. A call takes the API as
// long as it thinks, and until Answer is called. The context is for the start alone.
func StartLargeDocuments(ctx context.Context, n, size int, thinks time.Duration) (*LargeDocuments, error) {
	d := &LargeDocuments{first: make(chan struct{}), underWay: make(chan struct{}), answer: make(chan struct{}), thinks: thinks}
	d.release = sync.OnceFunc(func() { close(d.answer) })
	for s := range samples.Generate(samples.Options{Investors: n, Seed: 127, MinBytes: size, MaxBytes: size}) {
		d.answers = append(d.answers, s.Answer)
		if d.pdf != nil {
			continue
		}
		var err error
		if d.pdf, err = s.PDF(); err != nil {
			return nil, fmt.Errorf("make large documents: %w", err)
		}
		d.Password = s.Password
	}
	for _, handler := range []http.HandlerFunc{d.serveS3, d.serveAPI} {
		server, err := ServeHTTP(ctx, loopback(0), handler)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("make large documents: %w", err), d.Stop())
		}
		d.servers = append(d.servers, server)
	}
	d.S3URL, d.APIURL = d.servers[0].URL, d.servers[1].URL
	return d, nil
}

// FirstUnderWay is closed when one document is being called for.
func (d *LargeDocuments) FirstUnderWay() <-chan struct{} { return d.first }

// AllUnderWay is closed when every document is being called for.
func (d *LargeDocuments) AllUnderWay() <-chan struct{} { return d.underWay }

// Answer lets all calls be answered that have been thought about.
func (d *LargeDocuments) Answer() { d.release() }

// Stop closes the servers.
func (d *LargeDocuments) Stop() error {
	var faults []error
	for _, server := range d.servers {
		faults = append(faults, server.Stop())
	}
	return errors.Join(faults...)
}

// Mark behind the end of a PDF makes another file of it that opens as the same: a
// comment with a number of eight digits.
func Mark(n int) string { return fmt.Sprintf("%%%08d\n", n) }

// serveS3 lists and gives the objects.
func (d *LargeDocuments) serveS3(w http.ResponseWriter, r *http.Request) {
	size := len(d.pdf) + len(Mark(0))
	if r.URL.Query().Has("list-type") {
		_, _ = io.WriteString(w, "<ListBucketResult><IsTruncated>false</IsTruncated>")
		for n := range d.answers {
			_, _ = fmt.Fprintf(w, "<Contents><Key>in/%08d-%s.pdf</Key><ETag>%d</ETag><Size>%d</Size></Contents>", n, d.Password, n, size)
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
	_, _ = io.Copy(w, io.MultiReader(bytes.NewReader(d.pdf), strings.NewReader(Mark(n))))
}

// serveAPI answers with the statement of the PDF's number, once it has thought for
// long enough and is let.
func (d *LargeDocuments) serveAPI(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/parse") {
		_, _ = io.WriteString(w, `{"is_unlimited":true}`)
		return
	}
	d.weigh()
	var end ending
	if _, err := io.Copy(&end, r.Body); err != nil {
		return
	}
	n, err := end.number()
	if err != nil || n >= len(d.answers) {
		http.Error(w, "which PDF is this?", http.StatusBadRequest)
		return
	}
	thought := time.After(d.thinks)
	begun := d.begun.Add(1)
	if begun == 1 {
		close(d.first)
	}
	if begun == int64(len(d.answers)) {
		close(d.underWay)
	}
	<-d.answer
	<-thought
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(d.answers[n])
}

// Sockets is the most that the sockets of those who call the API held at once, in
// bytes, that it had not taken yet; 0 where the system does not tell.
func (d *LargeDocuments) Sockets() int64 { return d.sockets.Load() }

// weigh looks at the sockets at the beginning of an upload, when they hold most.
func (d *LargeDocuments) weigh() {
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return // not Linux
	}
	_, text, _ := strings.Cut(strings.TrimPrefix(d.APIURL, "http://"), ":")
	port, err := strconv.Atoi(text)
	if err != nil {
		return
	}
	held, to := int64(0), fmt.Sprintf(":%04X", port)
	for line := range strings.Lines(string(table)) {
		fields := strings.Fields(line) // sl, local, remote, state, tx_queue:rx_queue
		if len(fields) < 5 || !strings.HasSuffix(fields[2], to) {
			continue
		}
		waiting, _, _ := strings.Cut(fields[4], ":")
		if n, err := strconv.ParseInt(waiting, 16, 64); err == nil {
			held += n
		}
	}
	for most := d.sockets.Load(); held > most && !d.sockets.CompareAndSwap(most, held); {
		most = d.sockets.Load()
	}
}

// ending keeps the end of what is written to it: all of a body that names a link.
type ending [2000]byte

func (e *ending) Write(b []byte) (int, error) {
	copy(e[:], e[min(len(b), len(e)):])
	copy(e[max(0, len(e)-len(b)):], b[max(0, len(b)-len(e)):])
	return len(b), nil
}

// number finds which PDF is sent, or linked to: its mark, or its name.
func (e *ending) number() (int, error) {
	found := regexp.MustCompile(`(?:%%EOF\s+%|/in/|%2Fin%2F)(\d{8})`).FindSubmatch(e[:])
	if found == nil {
		return 0, errors.New("no number")
	}
	return strconv.Atoi(string(found[1])) //nolint:wrapcheck // eight digits
}
