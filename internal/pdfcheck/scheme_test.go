package pdfcheck_test

import (
	"strings"
	"testing"

	"casflow/internal/pdfcheck"
)

// Dictionaries that are not by the book: the right password may still open
// them, but no wrong one locks them.
func TestCheck_Odd(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		file, old, with string
		right           pdfcheck.Result // of a check with the right password
	}{
		"OtherHandler":         {"rc4-128-r3.pdf", "/Filter /Standard", "/Filter /Adobe.PubSec", undecided},
		"UnknownVersion":       {"aes-256-r6.pdf", "/V 5", "/V 6", undecided},
		"UnknownRevision":      {"aes-256-r6.pdf", "/R 6", "/R 7", undecided},
		"HiddenVersion":        {"rc4-128-r3.pdf", "/V 2", "/V 3", undecided},
		"NoPermissions":        {"rc4-128-r3.pdf", "/P -4", "/Q -4", undecided},
		"SmallKey":             {"rc4-128-r3.pdf", "/Length 128", "/Length 40", opens(0)},
		"IndirectLength":       {"rc4-128-r3.pdf", "/Length 128", "/Length 1 0 R", opens(0)},
		"NoLengthR3":           {"rc4-128-r3.pdf", "/Length 128", "", opens(0)},
		"Identity":             {"aes-128-r4-linearized.pdf", "/StmF /StdCF", "/StmF /Identity", opens(0)},
		"NoFilters":            {"aes-128-r4-linearized.pdf", "/CF", "/DF", opens(0)},
		"UnknownFilter":        {"aes-256-r6.pdf", "/StrF /StdCF", "/StrF /Other", opens(0)},
		"UnknownMethod":        {"aes-256-r6.pdf", "/CFM /AESV3", "/CFM /AESV4", opens(0)},
		"AttachmentsOnly":      {"aes-256-r6.pdf", "/DocOpen", "/EFOpen", opens(0)},
		"ShortUser":            {"rc4-128-r3.pdf", "/U <", "/U <00> /W <", undecided},
		"IndirectUser":         {"rc4-128-r3.pdf", "/U <", "/U 1 0 R /W <", undecided},
		"NoIdentifier":         {"rc4-128-r3.pdf", "/ID [", "/JD [", undecided},
		"WrittenTwice":         {"rc4-128-r3.pdf", "xref\n0 6", "5 0 obj<<>>endobj\nxref\n0 6", undecided},
		"NotWritten":           {"rc4-128-r3.pdf", "/Encrypt 5 0 R", "/Encrypt 9 0 R", undecided},
		"EncryptNotAReference": {"rc4-128-r3.pdf", "/Encrypt 5 0 R", "/Encrypt true", undecided},
		"EncryptElsewhere":     {"rc4-128-r3.pdf", "/Encrypt 5 0 R", "/Info (/Encrypt)", undecided},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pdf := change(t, fixture(t, test.file), test.old, test.with)
			expect(t, pdf, test.right, user)
			expect(t, pdf, undecided, other)
		})
	}
}

// Dictionaries that are by the book, though not as qpdf writes them.
func TestCheck_Forms(t *testing.T) {
	t.Parallel()
	number := strings.Repeat("0000000000 00000 n \n", 4000)
	for name, test := range map[string]struct{ file, old, with string }{
		// The library takes this for a key of 40 bits and refuses the password.
		"NoLengthR4":   {"rc4-128-r4.pdf", "/Length 128", ""},
		"UnsignedP":    {"rc4-128-r3.pdf", "/P -4", "/P 4294967292"},
		"ManyObjects":  {"rc4-128-r3.pdf", "xref\n0 6", strings.Repeat("15 0 obj\n", 9000) + "xref\n0 6\n" + number},
		"NoWhitespace": {"rc4-128-r3.pdf", "5 0 obj\n", "5 0 obj"},
		"ByteAsOctal":  {"rc4-128-r3.pdf", "/ID [<31415926535897932384626433832795>", `/ID [(1AY&S\130\227\223#\204bd3\203'\225)`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pdf := change(t, fixture(t, test.file), test.old, test.with)
			expect(t, pdf, opens(0), user)
			expect(t, pdf, opens(0), owner)
			expect(t, pdf, locked, other)
		})
	}
}
