package server

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestLineReader(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxLine)
	broken := iotest.ErrReader(io.ErrUnexpectedEOF)
	for name, test := range map[string]struct {
		body io.Reader
		want []string
	}{
		"Empty":       {strings.NewReader(""), nil},
		"Blank":       {strings.NewReader("\n \r\n\n"), nil},
		"Lines":       {strings.NewReader("a\n\nb\r\nc"), []string{"1 a", "3 b", "4 c"}},
		"Long":        {strings.NewReader("a\n" + long + "y\nb\n" + long), []string{"1 a", "2 the line is too long", "3 b", "4 the line is too long"}},
		"Fits":        {strings.NewReader(long[1:] + "\n"), []string{"1 " + long[1:]}},
		"Broken":      {io.MultiReader(strings.NewReader("a\nb"), broken), []string{"1 a", "2 the body ends in the midst of the line"}},
		"Between":     {io.MultiReader(strings.NewReader("a\nb\n"), broken), []string{"1 a", "2 b"}},
		"LongBroken":  {io.MultiReader(strings.NewReader(long+long), broken), []string{"1 the line is too long"}},
		"ByteForByte": {iotest.OneByteReader(strings.NewReader("a\nb\n")), []string{"1 a", "2 b"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for reader := newLineReader(test.body); ; {
				next, err := reader.next()
				if errors.Is(err, io.EOF) {
					break
				}
				text := string(next.text)
				if next.err != nil {
					text = next.err.Error()
				}
				got = append(got, fmt.Sprintf("%d %s", next.number, text))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
}
