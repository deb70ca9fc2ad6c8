package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"net/http"
	"sync"
	"testing"
)

// Calls for the same PDF open it once, however many come at once; another
// password is another opening.
func TestDocuments_Open_Once(t *testing.T) {
	t.Parallel()
	d := newDocuments()
	statements := []statement{cdsl(t, 1), nsdl(t, 2), mutual(t, 3)}
	var group sync.WaitGroup
	for i := range 60 {
		group.Go(func() {
			s := statements[i%len(statements)]
			got := d.open(upload{pdf: s.pdf, sum: s.sum(), password: s.password})
			if got.refused != nil || !bytes.Equal(got.answer, s.answer) {
				t.Errorf("open = %+v, want the statement's answer", got.refused)
			}
		})
	}
	group.Wait()
	if d.opened != len(statements) {
		t.Errorf("opened %d times, want %d", d.opened, len(statements))
	}

	s := statements[0]
	for range 2 {
		if got := d.open(upload{pdf: s.pdf, sum: s.sum(), password: "wrong"}); got.refused == nil {
			t.Error("a wrong password opened the PDF")
		}
	}
	if got := d.open(upload{pdf: s.pdf, sum: s.sum(), password: s.password}); got.refused != nil {
		t.Error("the right password no longer opens the PDF")
	}
	if want := len(statements) + 1; d.opened != want {
		t.Errorf("opened %d times, want %d", d.opened, want)
	}
}

// What is known is neither opened nor forgotten, and no other password opens it.
func TestSandbox_Know(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{Credits: -1})
	s := cdsl(t, 1)
	known := statement{pdf: []byte("%PDF-1.7 nothing"), password: "open"}
	b.api.Know(known.sum(), known.password, s.answer)
	b.api.documents.bytes = cacheBytes // one more is too much
	for range 2 {
		if got := b.sendAll(t, []call{s.upload(), known.upload()}); got[http.StatusOK] != 2 {
			t.Errorf("statuses = %v, want 200 twice", got)
		}
	}
	known.password = "other"
	if got := b.sendAll(t, []call{known.upload()}); got[http.StatusBadRequest] != 1 {
		t.Errorf("another password: statuses = %v, want 400", got)
	}
}

func TestDocuments_Bound(t *testing.T) {
	t.Parallel()
	d := newDocuments()
	const size = 1 << 20
	fill := func(n int) documentKey {
		var number [8]byte
		binary.BigEndian.PutUint64(number[:], uint64(n))
		key := documentKey(sha256.Sum256(number[:]))
		if e, isNew := d.entry(key); isNew {
			e.document = document{answer: make([]byte, size)}
			close(e.ready)
			d.filled(e)
		}
		return key
	}
	const fit = cacheBytes / (size + entryBytes)
	first := fill(0)
	for n := 1; n < 2*fit; n++ {
		fill(n)
		fill(0) // used again and again: stays
	}
	if d.bytes > cacheBytes || len(d.entries) != fit || d.recent.Len() != fit {
		t.Errorf("holds %d bytes in %d entries, want %d entries within %d bytes", d.bytes, len(d.entries), fit, cacheBytes)
	}
	if _, ok := d.entries[first]; !ok {
		t.Error("the entry in use was forgotten")
	}
	if want := 2 * fit; d.opened != want {
		t.Errorf("filled %d times, want %d", d.opened, want)
	}
}

// Many different PDFs at once: the library must bear it.
func TestDocuments_Open_Concurrently(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{Credits: -1})
	var calls []call
	for i := range 12 {
		calls = append(calls, cdsl(t, 100+i).upload(), nsdl(t, 200+i).upload())
	}
	if got := b.sendAll(t, calls); got[http.StatusOK] != len(calls) {
		t.Errorf("statuses = %v, want %d times 200", got, len(calls))
	}
	if got := b.api.documents.opened; got != len(calls) {
		t.Errorf("opened %d PDFs, want %d", got, len(calls))
	}
}

func TestOpenPDF_Broken(t *testing.T) {
	t.Parallel()
	s := cdsl(t, 1)
	for at := 0; at < len(s.pdf); at += 97 {
		broken := bytes.Clone(s.pdf)
		copy(broken[at:], "\x00\xff<<>>")
		if got := openPDF(broken, s.password); got.refused == nil && len(got.answer) == 0 {
			t.Errorf("broken at %d: neither an answer nor a refusal", at)
		}
	}
}
