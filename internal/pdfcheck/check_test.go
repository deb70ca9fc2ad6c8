package pdfcheck_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"

	"casflow/internal/pdfcheck"
	"casflow/internal/redact"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"rc4-40-r2.pdf", "rc4-128-r3.pdf", "rc4-128-r4.pdf", "aes-128-r4-linearized.pdf",
		"aes-128-r4-xrefstream.pdf", "aes-256-r5.pdf", "aes-256-r6.pdf",
	} {
		for test, c := range map[string]struct {
			candidates []redact.Secret
			want       pdfcheck.Result
		}{
			"User":       {[]redact.Secret{user}, opens(0)},
			"Owner":      {[]redact.Secret{owner}, opens(0)},
			"Second":     {[]redact.Secret{other, user, owner}, opens(1)},
			"Last":       {[]redact.Secret{other, "", "a b", owner}, opens(3)},
			"Wrong":      {[]redact.Secret{other}, locked},
			"AllWrong":   {[]redact.Secret{other, "zzzpa0001z", "", " ", redact.Secret(strings.Repeat("Z", 300))}, locked},
			"None":       {nil, locked},
			"NotASCII":   {[]redact.Secret{other, "Zoë"}, undecided},
			"NotUTF8":    {[]redact.Secret{"\xff\xfe"}, undecided},
			"Unprinted":  {[]redact.Secret{"a\x00b"}, undecided},
			"AfterLimit": {append(make([]redact.Secret, 64), user), undecided},
		} {
			t.Run(name+"/"+test, func(t *testing.T) {
				t.Parallel()
				expect(t, fixture(t, name), c.want, c.candidates...)
			})
		}
	}
}

func TestCheck_Others(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		file       string
		candidates []redact.Secret
		want       pdfcheck.Result
	}{
		"Plain":               {"plain.pdf", []redact.Secret{user}, unlocked},
		"PlainXRefStream":     {"plain-xrefstream.pdf", nil, unlocked},
		"EmptyUserR3":         {"rc4-128-r3-empty.pdf", []redact.Secret{other}, unlocked},
		"EmptyUserR6":         {"aes-256-r6-empty.pdf", []redact.Secret{owner, ""}, unlocked},
		"Latin1":              {"rc4-128-r3-latin1.pdf", []redact.Secret{other, "Zoë"}, opens(1)},
		"Latin1Wrong":         {"rc4-128-r3-latin1.pdf", []redact.Secret{"Zoe"}, locked},
		"Latin1NotInAlphabet": {"rc4-128-r3-latin1.pdf", []redact.Secret{"Zo€"}, undecided},
		"UTF8":                {"aes-256-r6-utf8.pdf", []redact.Secret{other, "Zoë"}, opens(1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expect(t, fixture(t, test.file), test.want, test.candidates...)
		})
	}
}

func TestCheck_Sample(t *testing.T) {
	t.Parallel()
	for _, size := range []int{50 << 10, 3 << 20} {
		pdf, password := sample(t, size)
		expect(t, pdf, opens(0), password)
		expect(t, pdf, opens(2), other, "", password)
		expect(t, pdf, locked, other, "")
		expect(t, append([]byte("junk\n"), pdf...), opens(0), password)
	}
}

func TestCheck_Broken(t *testing.T) {
	t.Parallel()
	pdf, password := sample(t, 50<<10)
	for name, broken := range map[string][]byte{
		"Empty":       nil,
		"Garbage":     bytes.Repeat([]byte("startxref 7 %%EOF\xff\x00<<"), 1000),
		"Zeros":       make([]byte, 1<<20),
		"HeaderOnly":  []byte("%PDF-1.7\n"),
		"NoHeader":    pdf[20:],
		"Half":        pdf[:len(pdf)/2],
		"Cut":         pdf[:len(pdf)-10],
		"CutWithTail": append(bytes.Clone(pdf[:len(pdf)/2]), "\nstartxref\n99999999\n%%EOF\n"...),
		"BadOffset":   append(bytes.Clone(pdf), "\nstartxref\n20\n%%EOF\n"...),
		"Negative":    append(bytes.Clone(pdf), "\nstartxref\n-1\n%%EOF\n"...),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expect(t, broken, undecided, password, other)
		})
	}
}

// Reading this one with pdfcpu takes 24 s and 760 MB: see the package's
// documentation.
func TestCheck_HugeTable(t *testing.T) {
	t.Parallel()
	pdf := "%PDF-1.4\nxref\n1 1\n0000000000 00000 f \ntrailer\n<</Size 2000000000/Root 1 0 R>>\nstartxref\n9\n%%EOF\n"
	expect(t, []byte(pdf), unlocked, user)
}

func TestCheck_Limits(t *testing.T) {
	t.Parallel()
	pdf := fixture(t, "aes-256-r6.pdf")
	size := int64(len(pdf))
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		ctx    context.Context
		size   int64
		limits pdfcheck.Limits
		want   pdfcheck.Result
	}{
		"Fits":       {t.Context(), size, pdfcheck.Limits{Bytes: size, Candidates: 2}, opens(1)},
		"TooBig":     {t.Context(), size, pdfcheck.Limits{Bytes: size - 1}, undecided},
		"Huge":       {t.Context(), math.MaxInt64, pdfcheck.Limits{}, undecided},
		"HugeLimit":  {t.Context(), 1 << 50, pdfcheck.Limits{Bytes: math.MaxInt64}, undecided},
		"Negative":   {t.Context(), -1, pdfcheck.Limits{}, undecided},
		"Longer":     {t.Context(), size + 100, pdfcheck.Limits{}, undecided},
		"Candidates": {t.Context(), size, pdfcheck.Limits{Candidates: 1}, undecided},
		"Cancelled":  {cancelled, size, pdfcheck.Limits{}, undecided},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := pdfcheck.Check(test.ctx, bytes.NewReader(pdf), test.size, []redact.Secret{other, user}, test.limits)
			if got != test.want {
				t.Errorf("%s at %d, want %s at %d", got.Verdict, got.Index, test.want.Verdict, test.want.Index)
			}
		})
	}
}

// readerFunc fakes a file.
type readerFunc func(p []byte, at int64) (int, error)

func (f readerFunc) ReadAt(p []byte, at int64) (int, error) { return f(p, at) }

func TestCheck_Reader(t *testing.T) {
	t.Parallel()
	pdf, password := sample(t, 200<<10)
	whole := bytes.NewReader(pdf)
	for name, fail := range map[string]func(cancel func()) (int, error){
		"Error":     func(func()) (int, error) { return 0, errors.New("disk on fire") },
		"Panic":     func(func()) (int, error) { panic("reader on fire") },
		"Cancelled": func(cancel func()) (int, error) { cancel(); return 0, errors.New("cancelled") },
	} {
		for calls := range 5 { // head, tail, table, trailer, scan
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			n := 0
			source := readerFunc(func(p []byte, at int64) (int, error) {
				if n++; n > calls {
					return fail(cancel)
				}
				return whole.ReadAt(p, at)
			})
			got := pdfcheck.Check(ctx, source, int64(len(pdf)), []redact.Secret{password}, pdfcheck.Limits{})
			if got != undecided {
				t.Errorf("%s after %d calls: %s, want undecided", name, calls, got.Verdict)
			}
		}
	}
}

func TestCheck_Concurrent(t *testing.T) {
	t.Parallel()
	pdf, password := sample(t, 50<<10)
	source := bytes.NewReader(pdf)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			got := pdfcheck.Check(t.Context(), source, source.Size(), []redact.Secret{other, password}, pdfcheck.Limits{})
			if got != opens(1) {
				t.Errorf("%s at %d, want opens at 1", got.Verdict, got.Index)
			}
		})
	}
	group.Wait()
}

func TestVerdict_String(t *testing.T) {
	t.Parallel()
	for verdict, want := range map[pdfcheck.Verdict]string{
		pdfcheck.Undecided: "undecided", pdfcheck.Opens: "opens", pdfcheck.Locked: "locked", 9: "undecided",
	} {
		if got := verdict.String(); got != want {
			t.Errorf("verdict %d = %q, want %q", verdict, got, want)
		}
	}
}
