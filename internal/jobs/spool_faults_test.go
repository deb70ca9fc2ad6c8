package jobs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/iotest"
)

func TestSpool_Refused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		content   []byte
		announced int64
		want      error
	}{
		"Empty":               {nil, 0, errEmpty},
		"EmptyUnannounced":    {nil, -1, errEmpty},
		"EmptyForAll":         {nil, 1000, errEmpty},
		"TooLarge":            {largePDF(MaxPDFBytes + 1), MaxPDFBytes + 1, errTooLarge},
		"TooLargeUnannounced": {largePDF(MaxPDFBytes + 1), -1, errTooLarge},
		"LongerThanAnnounced": {largePDF(MaxPDFBytes + 1), 1000, errTooLarge},
		"Text":                {[]byte("hello"), -1, errNotPDF},
		"HTML":                {[]byte("<html>%PDF</html>"), -1, errNotPDF},
		"CutHead":             {[]byte("%PDF"), -1, errNotPDF},
		"HeadTooLate":         {[]byte(strings.Repeat("x", headBytes-4) + "%PDF-1.4"), -1, errNotPDF},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, err := spoolBody(t, &body{Reader: bytes.NewReader(test.content)}, test.announced)
			if !errors.Is(err, test.want) || file != nil {
				t.Errorf("spool() = %v, %v, want %v", file, err, test.want)
			}
			if judge(err).action != actBury {
				t.Errorf("%v does not bury the document", err)
			}
		})
	}
}

// TestSpool_ReadsNoMoreThanNeeded bounds what a hostile object can cost.
func TestSpool_ReadsNoMoreThanNeeded(t *testing.T) {
	t.Parallel()
	huge := &body{Reader: io.MultiReader(strings.NewReader("%PDF-1.4\n"), endless())}
	if _, err := spoolBody(t, huge, -1); !errors.Is(err, errTooLarge) {
		t.Errorf("spool(endless) = %v, want errTooLarge", err)
	}
	if huge.read > MaxPDFBytes+1 {
		t.Errorf("read %d bytes of an endless object, want at most one more than allowed", huge.read)
	}
	announced := &body{Reader: endless()}
	if _, err := spoolBody(t, announced, MaxPDFBytes+1); !errors.Is(err, errTooLarge) || announced.read != 0 {
		t.Errorf("spool(announced as too large) = %v after %d bytes, want errTooLarge at once", err, announced.read)
	}
}

// endless is as good as that, without filling the disk of whoever breaks spool.
func endless() io.Reader { return io.LimitReader(zeroes{}, 4*MaxPDFBytes) }

// zeroes never end.
type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestSpool_ReadErrors shows that trouble on the way is not the document's fault.
func TestSpool_ReadErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection broken")
	for name, good := range map[string]int{"AtOnce": 0, "InHead": 100, "AfterHead": 100_000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reader := io.MultiReader(bytes.NewReader(largePDF(100_000)[:good]), iotest.ErrReader(broken))
			file, err := spoolBody(t, &body{Reader: reader}, 200_000)
			if !errors.Is(err, broken) || file != nil {
				t.Errorf("spool() = %v, %v, want the reader's error", file, err)
			}
			if got := judge(err).action; got != actStall {
				t.Errorf("action %d, want the document put off", got)
			}
		})
	}
	t.Run("CutOff", func(t *testing.T) {
		t.Parallel()
		reader := io.MultiReader(strings.NewReader("%PDF-1.4"), iotest.ErrReader(io.ErrUnexpectedEOF))
		if _, err := spoolBody(t, &body{Reader: reader}, 1000); !errors.Is(err, io.ErrUnexpectedEOF) || judge(err).action != actStall {
			t.Errorf("spool() = %v, want it told and put off", err)
		}
	})
}

// TestSpool_CannotOpen shows that errors of the object store arrive as they are.
func TestSpool_CannotOpen(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]error{
		"Missing": fs.ErrNotExist, "Changed": ErrObjectChanged, "Denied": fs.ErrPermission, "Other": errors.New("slow down"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects := fakeObjects{open: func(Object) (io.ReadCloser, int64, error) { return nil, 0, fmt.Errorf("get: %w", want) }}
			if file, err := spool(t.Context(), objects, Object{}, new(memory)); !errors.Is(err, want) || file != nil {
				t.Errorf("spool() = %v, %v, want %v", file, err, want)
			}
		})
	}
}
