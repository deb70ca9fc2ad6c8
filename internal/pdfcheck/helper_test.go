package pdfcheck_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"casflow/internal/pdfcheck"
	"casflow/internal/redact"
	"casflow/internal/samples"
)

// The passwords of the files in testdata, which qpdf 11.3.0 wrote.
const (
	user  = redact.Secret("ZZZPA0001Z")
	owner = redact.Secret("zzowner")
	other = redact.Secret("ZZZPB0002Z")
)

var (
	undecided = pdfcheck.Result{Verdict: pdfcheck.Undecided, Index: pdfcheck.NoPassword}
	locked    = pdfcheck.Result{Verdict: pdfcheck.Locked, Index: pdfcheck.NoPassword}
	unlocked  = opens(pdfcheck.NoPassword)
)

func opens(index int) pdfcheck.Result {
	return pdfcheck.Result{Verdict: pdfcheck.Opens, Index: index}
}

func check(tb testing.TB, pdf []byte, candidates ...redact.Secret) pdfcheck.Result {
	tb.Helper()
	return pdfcheck.Check(tb.Context(), bytes.NewReader(pdf), int64(len(pdf)), candidates, pdfcheck.Limits{})
}

func expect(t *testing.T, pdf []byte, want pdfcheck.Result, candidates ...redact.Secret) {
	t.Helper()
	if got := check(t, pdf, candidates...); got != want {
		t.Errorf("%s at %d, want %s at %d", got.Verdict, got.Index, want.Verdict, want.Index)
	}
}

func fixture(tb testing.TB, name string) []byte {
	tb.Helper()
	pdf, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return pdf
}

// sample makes a sample PDF of that size, and its password.
func sample(tb testing.TB, size int) ([]byte, redact.Secret) {
	tb.Helper()
	for s := range samples.Generate(samples.Options{Investors: 1, Seed: 1, MinBytes: size, MaxBytes: size}) {
		pdf, err := s.PDF()
		if err != nil {
			tb.Fatal(err)
		}
		return pdf, redact.Secret(s.Password)
	}
	tb.Fatal("no sample")
	return nil, ""
}

// change replaces text in a PDF and makes startxref right again.
func change(t *testing.T, pdf []byte, old, with string) []byte {
	t.Helper()
	if !bytes.Contains(pdf, []byte(old)) {
		t.Fatalf("the fixture has no %q", old)
	}
	return relocate(bytes.Replace(pdf, []byte(old), []byte(with), 1))
}

// relocate makes startxref lead to the last table of a PDF that was changed.
// Linearized files and those with cross-reference streams are changed behind
// what startxref leads to, or not at all.
func relocate(pdf []byte) []byte {
	end := bytes.LastIndex(pdf, []byte("startxref"))
	table := bytes.LastIndex(pdf[:end], []byte("\nxref"))
	if bytes.Contains(pdf, []byte("/Linearized")) || table < 0 {
		return pdf
	}
	return append(bytes.Clone(pdf[:end]), "startxref\n"+strconv.Itoa(table+1)+"\n%%EOF\n"...)
}
