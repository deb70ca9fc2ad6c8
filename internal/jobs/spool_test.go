package jobs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"testing/iotest"
)

// fakeObjects is Objects of functions. One that is not set must not be called.
type fakeObjects struct {
	open func(Object) (io.ReadCloser, int64, error)
}

func (f fakeObjects) Open(_ context.Context, o Object) (io.ReadCloser, int64, error) {
	return f.open(o)
}

func (f fakeObjects) Link(context.Context, Object) (string, error) { panic("no link is wanted here") }

func (f fakeObjects) ETag(context.Context, Object) (string, int64, error) {
	panic("no ETag is wanted here")
}

// body is an object's content that remembers how it was treated.
type body struct {
	io.Reader
	read   int64
	closed int
	fault  error // of Close
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.read += int64(n)
	return n, err
}

func (b *body) Close() error {
	b.closed++
	return b.fault
}

// spoolBody spools an object of the given body and announced size. A small one whose
// size is announced stays in memory.
func spoolBody(t *testing.T, b *body, announced int64) (*pdf, error) {
	t.Helper()
	room := new(memory)
	want := Object{Bucket: "statements", Key: "a.pdf", VersionID: "v", ETag: "e"}
	objects := fakeObjects{open: func(o Object) (io.ReadCloser, int64, error) {
		if o != want {
			t.Errorf("opened %+v, want %+v", o, want)
		}
		return b, announced, nil
	}}
	file, err := spool(t.Context(), objects, want, room)
	if b.closed != 1 {
		t.Errorf("the object was closed %d times, want once", b.closed)
	}
	if file != nil {
		t.Cleanup(func() { _ = file.Close() })
	} else if taken := room.taken.Load(); taken != 0 {
		t.Errorf("%d bytes are held of what was not taken", taken)
	}
	return file, err
}

// largePDF has n bytes, no two blocks of it alike.
func largePDF(n int) []byte {
	content := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(content) // never fails
	copy(content, "%PDF-1.7\n")
	return content
}

func TestSpool(t *testing.T) {
	t.Parallel()
	small := []byte("%PDF-1.4\n%%EOF\n")
	for name, test := range map[string]struct {
		content   []byte
		announced int64
	}{
		"Small":        {small, int64(len(small))},
		"UnknownSize":  {small, -1},
		"HeadAlone":    {[]byte("%PDF-"), 5},
		"LateHead":     {[]byte(strings.Repeat("x", headBytes-5) + "%PDF-1.4"), int64(headBytes) + 3},
		"JunkInFront":  {[]byte("\xef\xbb\xbf\r\n\x00%PDF-1.4"), -1},
		"LargestHeld":  {largePDF(maxHeld), maxHeld},
		"AcrossBlocks": {largePDF(1 << 20), 1 << 20},
		"Largest":      {largePDF(MaxPDFBytes), MaxPDFBytes},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Short reads, as a network gives them.
			file, err := spoolBody(t, &body{Reader: iotest.HalfReader(bytes.NewReader(test.content))}, test.announced)
			if err != nil {
				t.Fatal(err)
			}
			if file.size != int64(len(test.content)) {
				t.Errorf("size %d, want %d", file.size, len(test.content))
			}
			if want := sha256.Sum256(test.content); file.sum != want {
				t.Errorf("sha256 %x, want %x", file.sum, want)
			}
			for range 2 { // a second password sends it again
				if got, err := io.ReadAll(file.reader()); err != nil || !bytes.Equal(got, test.content) {
					t.Errorf("read %d bytes (%v), want the %d of the object", len(got), err, len(test.content))
				}
			}
		})
	}
}

func TestSpool_ReadersAreIndependent(t *testing.T) {
	t.Parallel()
	content := largePDF(100_000)
	file, err := spoolBody(t, &body{Reader: bytes.NewReader(content)}, -1)
	if err != nil {
		t.Fatal(err)
	}
	first, second := file.reader(), file.reader()
	if _, err := io.CopyN(io.Discard, first, 60_000); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(second); err != nil || !bytes.Equal(got, content) {
		t.Errorf("the second reader gave %d bytes (%v), want all of them", len(got), err)
	}
	if rest, err := io.ReadAll(first); err != nil || !bytes.Equal(rest, content[60_000:]) {
		t.Errorf("the first reader gave %d bytes more (%v), want the rest", len(rest), err)
	}
}

// TestSpool_LeavesNoName shows that no PDF outlives the process, however it
// ends.
// Not parallel: the directory for temporary files is the process'.
func TestSpool_LeavesNoName(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	names := func() []string {
		t.Helper()
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
	file, err := spoolBody(t, &body{Reader: bytes.NewReader(largePDF(100_000))}, -1)
	if err != nil {
		t.Fatal(err)
	}
	if at, ok := file.content.(*os.File); !ok || !strings.HasPrefix(at.Name(), dir) {
		t.Errorf("the file is %v, want one in TMPDIR", file.content)
	}
	if got := names(); got != nil {
		t.Errorf("%v can be seen while the PDF is in use", got)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := spoolBody(t, &body{Reader: io.MultiReader(strings.NewReader("%PDF-"), endless())}, -1); err == nil {
		t.Error("an endless object was taken")
	}
	if got := names(); got != nil {
		t.Errorf("%v stayed", got)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	_, err = spoolBody(t, &body{Reader: strings.NewReader("%PDF-")}, -1)
	if err == nil || !strings.Contains(err.Error(), "TMPDIR") {
		t.Errorf("spool() without room = %v, want it to name TMPDIR", err)
	}
}

func TestPDF_Close(t *testing.T) {
	t.Parallel()
	for name, announced := range map[string]int64{"InMemory": 5, "OnDisk": -1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, err := spoolBody(t, &body{Reader: strings.NewReader("%PDF-")}, announced)
			if err != nil {
				t.Fatal(err)
			}
			reader := file.reader()
			file.letGo() // a call has sent the last byte
			for range 2 {
				if err := file.Close(); err != nil {
					t.Errorf("Close() = %v, want it harmless", err)
				}
			}
			if _, err := io.ReadAll(reader); !errors.Is(err, os.ErrClosed) {
				t.Errorf("reading on = %v, want ErrClosed: the space is free", err)
			}
			if file.size != 5 || file.sum != sha256.Sum256([]byte("%PDF-")) {
				t.Error("size and hash are gone with the file")
			}
		})
	}
}
