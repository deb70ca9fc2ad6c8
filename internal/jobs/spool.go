package jobs

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
)

// Objects are the PDFs. Implementations are safe for concurrent use.
type Objects interface {
	// Open reads one object, of the given version (if not "") and ETag (if not
	// ""). Errors match fs.ErrNotExist for an object that is gone and
	// ErrObjectChanged for one with another ETag; any other may pass.
	Open(ctx context.Context, o Object) (body io.ReadCloser, size int64, err error)
	// Link returns a URL from which the API can fetch the object for a while. It
	// is a secret.
	Link(ctx context.Context, o Object) (string, error)
	// ETag returns the ETag and size of an object, or fs.ErrNotExist.
	ETag(ctx context.Context, o Object) (etag string, size int64, err error)
}

// Object names an object of S3.
type Object struct {
	Bucket, Key, VersionID, ETag string
}

// MaxPDFBytes is the largest PDF that the API takes, as its FAQ says.
const MaxPDFBytes = 10 << 20

// headBytes is how far into a file its %PDF- may stand: readers of PDFs accept
// it within the first kilobyte.
const headBytes = 1024

// pdf is a PDF on this machine, checked: small ones as long as there is room for them
// in memory, else in a file that has no name any more and so vanishes with the
// process. Close it.
type pdf struct {
	content content
	size    int64
	sum     [sha256.Size]byte

	close  sync.Once
	closed error // what closing the content gave
}

// content is where the bytes of a PDF are.
type content interface {
	io.ReaderAt
	io.Closer
}

// spool copies an object to this machine and checks it: the bytes are needed twice,
// for hash and checks before the call is paid for and for the call, and thousands of
// waiting calls must not hold them in memory.
func spool(ctx context.Context, objects Objects, o Object, room *memory) (_ *pdf, err error) {
	body, size, err := objects.Open(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("open object: %w", missing(err))
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	return receive(body, size, room)
}

// receive copies a body of the given size, -1 where that is not known, to memory or
// disk and checks it.
func receive(body io.Reader, size int64, room *memory) (*pdf, error) {
	if err := checkSize(size); err != nil {
		return nil, err
	}
	held, body := room.hold(body, size)
	if held != nil {
		return checked(held)
	}
	// One byte more than allowed shows a body that is longer than announced.
	buffered, _ := spoolers.Get().(*bufio.Reader)
	defer spoolers.Put(buffered)
	buffered.Reset(io.LimitReader(body, MaxPDFBytes+1))
	defer buffered.Reset(nil) // a pool must not hold on to it
	head, err := buffered.Peek(headBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read object: %w", err)
	}
	if len(head) > 0 && !isPDF(head) {
		return nil, errNotPDF
	}

	file, err := unnamedFile()
	if err != nil {
		return nil, err
	}
	p := &pdf{content: file}
	hash := sha256.New()
	p.size, err = io.Copy(io.MultiWriter(file, hash), buffered)
	if err == nil {
		err = checkSize(p.size)
	}
	if err == nil && size > 0 && p.size != size {
		err = io.ErrUnexpectedEOF // a clean end too early: a cut PDF must not be paid for
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read object: %w", err), p.Close())
	}
	hash.Sum(p.sum[:0])
	return p, nil
}

// spoolers are kept for their buffers.
var spoolers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 32<<10) }} //nolint:gochecknoglobals // buffers are the process'

// checked is a PDF that is held in memory.
func checked(held *heldPDF) (*pdf, error) {
	bytes := *held.content.Load()
	if !isPDF(bytes[:min(headBytes, len(bytes))]) {
		return nil, errors.Join(errNotPDF, held.Close())
	}
	return &pdf{content: held, size: held.size, sum: sha256.Sum256(bytes)}, nil
}

func isPDF(head []byte) bool { return bytes.Contains(head, []byte("%PDF-")) }

// missing marks an error of Objects that says that the object is not there. Other
// things may be missing too, a directory or a server's socket, which is no fault of
// the document.
func missing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", errMissing, err)
	}
	return err
}

func checkSize(size int64) error {
	switch {
	case size == 0:
		return errEmpty
	case size > MaxPDFBytes:
		return errTooLarge
	}
	return nil
}

func unnamedFile() (*os.File, error) {
	file, err := os.CreateTemp("", "casflow-*.pdf")
	if err != nil {
		return nil, fmt.Errorf("create temporary file (TMPDIR needs room for the PDFs in flight): %w", err)
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("unlink temporary file: %w", err), file.Close())
	}
	return file, nil
}

// reader reads the PDF from its start; several at once are fine.
func (p *pdf) reader() io.Reader { return io.NewSectionReader(p.content, 0, p.size) }

// letGo frees the space of the content, as soon as its last byte is on its way: a
// call that waits for its answer need not hold megabytes of disk. Hash and size stay.
func (p *pdf) letGo() {
	p.close.Do(func() { p.closed = p.content.Close() })
}

// Close lets go of the content. It may be called more than once, and of none.
func (p *pdf) Close() error {
	if p == nil {
		return nil
	}
	p.letGo()
	if p.closed != nil {
		return fmt.Errorf("close temporary file: %w", p.closed)
	}
	return nil
}
