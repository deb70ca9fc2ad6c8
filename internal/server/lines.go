package server

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"time"
)

// line is one line of a batch.
type line struct {
	number int // from 1
	text   []byte
	err    error // instead of text: it is too long, or the body broke off in it
}

// maxLine bounds a line of a batch, in bytes.
const maxLine = 16 << 10

// lineReader reads the lines of a body. Blank ones are left out, but count.
type lineReader struct {
	reader *bufio.Reader
	number int
}

func newLineReader(r io.Reader) *lineReader {
	return &lineReader{reader: bufio.NewReaderSize(r, maxLine)}
}

// buffered reports whether a whole line has arrived already.
func (l *lineReader) buffered() bool {
	ahead, _ := l.reader.Peek(l.reader.Buffered()) // never fails
	return bytes.IndexByte(ahead, '\n') >= 0
}

var (
	errLineTooLong = errors.New("the line is too long")
	errBodyBroke   = errors.New("the body ends in the midst of the line")
)

// next returns the next line; io.EOF comes behind the last. Where the body breaks
// off, what has come of a line is none: it is returned as an error of its own, and
// nothing follows.
func (l *lineReader) next() (line, error) {
	for {
		text, err := l.reader.ReadSlice('\n')
		broken := err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull)
		if len(text) == 0 && (broken || errors.Is(err, io.EOF)) {
			return line{}, io.EOF
		}
		l.number++
		switch {
		case broken:
			return line{number: l.number, err: errBodyBroke}, nil
		case errors.Is(err, bufio.ErrBufferFull):
			l.skip()
			return line{number: l.number, err: errLineTooLong}, nil
		}
		if text = bytes.TrimSpace(text); len(text) > 0 {
			return line{number: l.number, text: bytes.Clone(text)}, nil
		}
	}
}

// skip goes to the end of a line. What ends the body is found again by the next one.
func (l *lineReader) skip() {
	for {
		if _, err := l.reader.ReadSlice('\n'); !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

// readLines reads lines ahead, as many as a chunk has. stop ends it and waits for
// its end.
func readLines(r *http.Request, control *http.ResponseController) (lines <-chan line, stop func()) {
	ahead, quit, ended := make(chan line, chunkLines), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer close(ahead)
		reader := newLineReader(r.Body)
		for {
			if !reader.buffered() {
				_ = control.SetReadDeadline(time.Now().Add(streamIdle)) // without it, the server's own limit holds
			}
			next, err := reader.next()
			if err != nil {
				return
			}
			select {
			case ahead <- next:
			case <-quit:
				return
			}
		}
	}()
	return ahead, func() {
		close(quit)
		select {
		case <-ended: // the connection is good for another request
		default:
			_ = control.SetReadDeadline(time.Now()) // wakes a read that waits
			<-ended
		}
	}
}
