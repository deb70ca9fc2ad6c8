package jobs

import (
	"bytes"
	"io"
	"os"
	"sync/atomic"
)

const (
	// maxHeld is the size in bytes up to which a PDF may stay in memory. Most are
	// smaller, and a file for each took more time than reading it from S3.
	maxHeld = 256 << 10
	// maxHeldTogether bounds what all of them take: a worker whose documents wait for
	// the rate has thousands. The others go to disk.
	maxHeldTogether = 16 << 20
)

// memory is what small PDFs are held in. The zero value is ready; nil has no room.
type memory struct{ taken atomic.Int64 }

// hold reads a body of the given size into memory. Where it does not fit, or the
// body is not of that size, nothing is held, and rest reads the body from its start.
func (m *memory) hold(body io.Reader, size int64) (held *heldPDF, rest io.Reader) {
	if m == nil || size <= 0 || size > maxHeld {
		return nil, body
	}
	place := &heldPDF{memory: m, size: size}
	defer func() {
		if held == nil { // or reading has panicked
			place.giveBack()
		}
	}()
	if m.taken.Add(size) > maxHeldTogether {
		return nil, body
	}
	body = &ending{Reader: body}
	content := make([]byte, size)
	n, err := io.ReadFull(body, content)
	var more [1]byte
	beyond := 0
	if err == nil { // only the end says that all of it is good
		beyond, err = io.ReadFull(body, more[:])
	}
	if err != io.EOF || n < len(content) {
		return nil, io.MultiReader(bytes.NewReader(content[:n]), bytes.NewReader(more[:beyond]), body)
	}
	place.content.Store(&content)
	return place, nil
}

// ending ends each further read as the first that has ended: one that failed says that
// what came is not good, and whoever reads on must hear of it.
type ending struct {
	io.Reader
	err error
}

func (e *ending) Read(p []byte) (n int, err error) {
	if e.err == nil {
		n, e.err = e.Reader.Read(p)
	}
	return n, e.err
}

// heldPDF is the content of a PDF in memory.
type heldPDF struct {
	memory  *memory
	size    int64
	content atomic.Pointer[[]byte] // nil: closed
}

// ReadAt reads as of a file, which may be closed meanwhile.
func (h *heldPDF) ReadAt(p []byte, at int64) (int, error) {
	content := h.content.Load()
	if content == nil {
		return 0, os.ErrClosed
	}
	return bytes.NewReader(*content).ReadAt(p, at) //nolint:wrapcheck // io.EOF must stay io.EOF
}

// Close lets go of the memory.
func (h *heldPDF) Close() error {
	if h.content.Swap(nil) != nil {
		h.giveBack()
	}
	return nil
}

func (h *heldPDF) giveBack() { h.memory.taken.Add(-h.size) }
