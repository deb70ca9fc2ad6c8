package jobs

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"
)

// What small PDFs take of the memory is bounded for all of them together, and free
// again with each that is let go of.
func TestMemory_Hold(t *testing.T) {
	t.Parallel()
	room := new(memory)
	content := largePDF(maxHeld)
	receive := func() *pdf {
		t.Helper()
		file, err := receive(bytes.NewReader(content), maxHeld, room)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = file.Close() })
		return file
	}
	onDisk := func(file *pdf) bool {
		_, yes := file.content.(*os.File)
		return yes
	}
	var files []*pdf
	for range maxHeldTogether / maxHeld {
		files = append(files, receive())
	}
	if last := files[len(files)-1]; onDisk(last) {
		t.Error("a PDF is on disk although there is room")
	}
	one := receive()
	if !onDisk(one) {
		t.Error("a PDF is in memory although there is no room")
	}
	if got, err := io.ReadAll(one.reader()); err != nil || !bytes.Equal(got, content) {
		t.Errorf("read %d bytes (%v), want the %d of the object", len(got), err, len(content))
	}
	files[0].letGo()
	if onDisk(receive()) {
		t.Error("a PDF is on disk although there is room again")
	}
	files = append(files, receive())
	for _, file := range files {
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}
	if got := room.taken.Load(); got != maxHeld { // that of the last but one
		t.Errorf("%d bytes are taken, want %d", got, maxHeld)
	}
}

// TestMemory_HoldFaults: the end that a body comes to is the one that counts, even where
// it would give another one if it were read on, and no fault keeps memory.
func TestMemory_HoldFaults(t *testing.T) {
	t.Parallel()
	broken := errors.New("checksum does not match")
	content := largePDF(1000)
	for name, good := range map[string]int{"AtOnce": 0, "InTheMidst": 500, "AtTheEnd": 1000} {
		room := new(memory)
		file, err := receive(&failsOnce{Reader: bytes.NewReader(content[:good]), err: broken}, 1000, room)
		if file != nil || !errors.Is(err, broken) {
			t.Errorf("%s: receive() = %v, %v, want %v", name, file, err, broken)
		}
		if got := room.taken.Load(); got != 0 {
			t.Errorf("%s: %d bytes are taken, want none", name, got)
		}
	}
	room := new(memory)
	func() {
		defer func() { _ = recover() }()
		_, _ = receive(struct{ io.Reader }{}, 1000, room) // which panics when it is read
	}()
	if got := room.taken.Load(); got != 0 {
		t.Errorf("%d bytes are taken after a panic, want none", got)
	}
}

// failsOnce gives err in place of its first end.
type failsOnce struct {
	io.Reader
	err error
}

func (f *failsOnce) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err == io.EOF && f.err != nil {
		err, f.err = f.err, nil
	}
	return n, err
}

// BenchmarkSpool brings a PDF of 40 KB to this machine.
func BenchmarkSpool(b *testing.B) {
	content := largePDF(40_000)
	for name, room := range map[string]*memory{"InMemory": new(memory), "OnDisk": nil} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			b.ReportAllocs()
			for b.Loop() {
				file, err := receive(bytes.NewReader(content), int64(len(content)), room)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, file.reader()); err != nil {
					b.Fatal(err)
				}
				if err := file.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
