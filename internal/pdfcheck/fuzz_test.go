package pdfcheck_test

import (
	"bytes"
	"testing"

	"casflow/internal/pdfcheck"
	"casflow/internal/redact"
)

// FuzzCheck asserts that no file makes the check panic or hang, and that its
// answer makes sense.
func FuzzCheck(f *testing.F) {
	for _, name := range []string{
		"plain.pdf", "plain-xrefstream.pdf", "rc4-40-r2.pdf", "rc4-128-r3.pdf", "rc4-128-r4.pdf",
		"aes-128-r4-linearized.pdf", "aes-128-r4-xrefstream.pdf", "aes-256-r5.pdf", "aes-256-r6.pdf",
	} {
		f.Add(fixture(f, name))
	}
	candidates := []redact.Secret{other, user, "Zoë"}
	f.Fuzz(func(t *testing.T, pdf []byte) {
		got := check(t, pdf, candidates...)
		switch got.Verdict {
		case pdfcheck.Opens:
			if got.Index < pdfcheck.NoPassword || got.Index >= len(candidates) {
				t.Errorf("opens at %d of %d", got.Index, len(candidates))
			}
		case pdfcheck.Locked:
			t.Error("locked, although a candidate is not ASCII")
		case pdfcheck.Undecided:
			if got.Index != pdfcheck.NoPassword {
				t.Errorf("undecided at %d", got.Index)
			}
		}
	})
}

// FuzzCheck_Mutated overwrites one stretch of a sample; wherever it falls, the
// check ends.
func FuzzCheck_Mutated(f *testing.F) {
	pdf, password := sample(f, 50<<10)
	for _, text := range []string{"startxref", "trailer", "/Encrypt", "/Perms", "/CF", "%PDF-"} {
		f.Add(bytes.LastIndex(pdf, []byte(text)), []byte("<<"))
	}
	f.Fuzz(func(t *testing.T, at int, with []byte) {
		if at < 0 || at > len(pdf) {
			return
		}
		broken := bytes.Clone(pdf)
		copy(broken[at:], with)
		if got := check(t, broken, other, password); got.Index >= 2 {
			t.Errorf("%s at %d", got.Verdict, got.Index)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	for name, size := range map[string]int{"50KB": 50 << 10, "3MB": 3 << 20} {
		pdf, password := sample(b, size)
		for kind, candidates := range map[string][]redact.Secret{
			"Opens":  {other, "ZZZPC0003Z", password},
			"Locked": {other, "ZZZPC0003Z", "ZZZPD0004Z"},
		} {
			b.Run(name+"/"+kind, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					check(b, pdf, candidates...)
				}
			})
		}
	}
}
