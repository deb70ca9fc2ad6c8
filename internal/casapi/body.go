package casapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
)

// body is the body of one request. It knows whether the transport has taken
// all of it: until then the API cannot have parsed anything, from then on it
// may have. (httptrace.WroteRequest would tell less: it fires before the last
// flush, and possibly after the call has already failed.)
type body struct {
	parts     io.Reader // nil once it has ended: what was sent need not be kept for the wait
	length    int64
	remaining int64 // touched by the transport's reading goroutine only
	source    *source
	taken     atomic.Bool
}

// newBody returns a body of exactly length bytes. pdf is nil where the body
// does not stream one.
func newBody(parts io.Reader, length int64, pdf *source) *body {
	return &body{parts: parts, length: length, remaining: length, source: pdf}
}

// Read marks the body as taken before its last bytes leave this function.
func (b *body) Read(p []byte) (int, error) {
	if b.parts == nil {
		return 0, io.EOF
	}
	n, err := b.parts.Read(p)
	b.remaining -= int64(n)
	if b.remaining <= 0 {
		b.taken.Store(true)
	}
	if err == io.EOF {
		b.parts = nil
	}
	return n, err //nolint:wrapcheck // io.EOF must stay io.EOF
}

// Close does nothing: the transport may call it long after the call has ended,
// and what is read belongs to the caller.
func (b *body) Close() error { return nil }

// errDetached ends a transport's reading of a call that is over.
var errDetached = errors.New("call has ended")

// source reads the PDF of one call. It delivers exactly the promised number of
// bytes or fails, keeps what went wrong, and guards the caller's reader: once
// release has returned, nothing reads from it again.
type source struct {
	busy   chan struct{} // holds a token while reader and left are in use
	reader io.Reader     // nil once it is no longer needed
	want   int64
	left   int64
	sent   func()

	over    atomic.Bool // the call's time is up
	gone    atomic.Bool // the reader is no longer needed
	closer  io.Closer   // nil where the reader cannot be closed
	failure atomic.Pointer[error]
}

func newSource(reader io.Reader, size int64, sent func()) *source {
	s := &source{busy: make(chan struct{}, 1), reader: reader, want: size, left: size, sent: sent}
	s.closer, _ = reader.(io.Closer)
	return s
}

// Read reads the PDF, and at its end makes sure that it is the end: readers
// that verify a checksum report it only there, and then the closing boundary
// of the form must not be sent. Only a bare io.EOF is an end; one that comes
// wrapped tells of a connection that broke.
func (s *source) Read(p []byte) (int, error) {
	s.busy <- struct{}{}
	defer func() { <-s.busy }()
	switch {
	case s.reader == nil && s.left == 0:
		return 0, io.EOF
	case s.reader == nil || s.over.Load():
		return 0, errDetached
	case s.left == 0:
		return 0, s.end()
	}
	n, err := s.reader.Read(p[:min(int64(len(p)), s.left)])
	s.left -= int64(n)
	switch {
	case err == nil:
		return n, nil
	case err != io.EOF:
		return n, s.fail(err)
	case s.left > 0:
		return n, s.fail(fmt.Errorf("PDF ends after %d of %d bytes: %w", s.want-s.left, s.want, io.ErrUnexpectedEOF))
	}
	s.letGo()
	return n, io.EOF
}

// end makes sure that nothing follows the last byte.
func (s *source) end() error {
	var probe [1]byte
	for range 100 {
		n, err := s.reader.Read(probe[:])
		switch {
		case n > 0:
			return s.fail(fmt.Errorf("PDF is longer than %d bytes", s.want))
		case err == io.EOF:
			s.letGo()
			return io.EOF
		case err != nil:
			return s.fail(err)
		}
	}
	return s.fail(io.ErrNoProgress)
}

// fail keeps what went wrong, unless that is our own doing (see interrupt).
func (s *source) fail(err error) error {
	if !s.over.Load() {
		s.failure.Store(&err)
	}
	return err
}

// err returns what went wrong with the reader, or nil.
func (s *source) err() error {
	if failure := s.failure.Load(); failure != nil {
		return *failure
	}
	return nil
}

// letGo forgets the reader and tells the caller. busy must be held.
func (s *source) letGo() {
	if s.reader == nil {
		return
	}
	s.reader = nil
	s.gone.Store(true)
	if s.sent != nil {
		s.sent()
	}
}

// release ends the use of the reader. A Read that is under way is waited for
// until ctx ends, and let go of then.
func (s *source) release(ctx context.Context) {
	letGo := func() {
		s.letGo()
		<-s.busy
	}
	select {
	case s.busy <- struct{}{}:
		letGo()
	case <-ctx.Done():
		go func() {
			s.busy <- struct{}{}
			letGo()
		}()
	}
}

// interrupt is for when the call's time is up: nothing is read from now on,
// and a Read that is under way, perhaps for good, is ended by closing the
// reader. Without that the transport would wait for the Read.
func (s *source) interrupt() {
	s.over.Store(true)
	select {
	case s.busy <- struct{}{}:
		<-s.busy
	default:
		if s.closer != nil && !s.gone.Load() {
			_ = s.closer.Close() // only its effect on Read matters
		}
	}
}
