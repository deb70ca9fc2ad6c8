package sandbox

import (
	"container/list"
	"crypto/sha256"
	"runtime"
	"sync"
)

const (
	// cacheBytes bounds the answers that are kept.
	cacheBytes = 64 << 20
	// entryBytes is what an entry is reckoned to cost besides its answer.
	entryBytes = 512
)

// documents opens PDFs, each once: a PDF and password that were opened before,
// or are being opened, cost nothing. What was used longest ago is forgotten when
// the answers grow beyond cacheBytes.
type documents struct {
	slots chan struct{} // opening takes CPU and several times the PDF's memory

	mu      sync.Mutex
	entries map[documentKey]*list.Element // of *entry
	recent  *list.List                    // most recently used first
	bytes   int
	opened  int // how often a PDF was really opened
}

// documentKey is a digest over PDF and password, so that no password is kept.
type documentKey [sha256.Size]byte

func keyOf(sum [sha256.Size]byte, password string) documentKey {
	return sha256.Sum256(append(sum[:], password...))
}

type entry struct {
	key   documentKey
	ready chan struct{} // closed when document is set
	document
	bytes int // 0 until ready, and of one that is to stay
}

func newDocuments() *documents {
	return &documents{
		slots:   make(chan struct{}, runtime.GOMAXPROCS(0)),
		entries: map[documentKey]*list.Element{},
		recent:  list.New(),
	}
}

// open returns the document of an upload, whose sum must be right.
func (d *documents) open(up upload) document {
	e, isNew := d.entry(keyOf(up.sum, up.password))
	if !isNew {
		<-e.ready
		return e.document
	}
	d.slots <- struct{}{}
	e.document = openPDF(up.pdf, up.password)
	<-d.slots
	close(e.ready)
	d.filled(e)
	return e.document
}

// entry finds the entry of key, or makes it: then the caller has to fill it.
func (d *documents) entry(key documentKey) (e *entry, isNew bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if element, ok := d.entries[key]; ok {
		d.recent.MoveToFront(element)
		return element.Value.(*entry), false //nolint:errcheck // holds nothing else
	}
	e = &entry{key: key, ready: make(chan struct{})}
	d.entries[key] = d.recent.PushFront(e)
	return e, true
}

// know takes a PDF for opened. It is never forgotten: nothing is counted for it.
func (d *documents) know(sum [sha256.Size]byte, password string, answer []byte) {
	e, isNew := d.entry(keyOf(sum, password))
	if isNew {
		e.document = documentOf(answer)
		close(e.ready)
	}
}

// filled accounts for an entry that has been filled, and makes room for it.
func (d *documents) filled(e *entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.opened++
	e.bytes = entryBytes + len(e.answer)
	d.bytes += e.bytes
	for element := d.recent.Back(); element != nil && d.bytes > cacheBytes; {
		previous := element.Prev()
		// One that is still being opened stays, others may come to wait for it; so
		// does one that is known.
		if old, ok := element.Value.(*entry); ok && old.bytes > 0 {
			d.recent.Remove(element)
			delete(d.entries, old.key)
			d.bytes -= old.bytes
		}
		element = previous
	}
}
