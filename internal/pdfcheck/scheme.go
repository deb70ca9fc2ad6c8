package pdfcheck

import (
	"slices"
	"strings"

	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"
)

// scheme is what the encryption dictionary says to check a password by.
type scheme struct {
	revision    int
	o, u        []byte // the entries /O and /U
	permissions uint32
	id          []byte // first half of the file's identifier
	keySizes    []int  // in bytes, those that are possible, of revisions up to 4
	// byTheBook means that a password refused here is refused by every reader.
	byTheBook bool
}

// newScheme reads the encryption dictionary of the standard security handler.
// What is merely odd leaves the scheme usable, but not by the book.
func newScheme(d, trailer types.Dict) (*scheme, error) {
	filter, version, revision, permissions := d.NameEntry("Filter"), d.IntEntry("V"), d.IntEntry("R"), d.IntEntry("P")
	if filter == nil || *filter != "Standard" || version == nil || revision == nil || permissions == nil {
		return nil, errUnsure
	}
	s := &scheme{
		revision:    *revision,
		permissions: uint32(*permissions), //nolint:gosec // the bit pattern is meant, with or without sign
		byTheBook:   true,
	}
	length := 32
	switch {
	case *version <= 2 && *version >= 1 && (s.revision == 2 || s.revision == 3):
		s.legacyKeys(declaredBits(d, 40))
	case *version == 4 && s.revision == 4:
		s.filters(d, "AESV2", "V2")
	case *version == 5 && (s.revision == 5 || s.revision == 6):
		length = 48
		s.filters(d, "AESV3")
	default:
		return nil, errUnsure
	}
	var err error
	if s.o, err = s.entry(d, "O", length); err != nil {
		return nil, err
	}
	if s.u, err = s.entry(d, "U", length); err != nil {
		return nil, err
	}
	if s.revision <= 4 { // later ones do without
		s.identify(trailer)
	}
	return s, nil
}

// entry reads a string entry, of which the first bytes count: some writers pad
// it.
func (s *scheme) entry(d types.Dict, key string, length int) ([]byte, error) {
	value, _ := d.Find(key)
	text, err := s.text(value)
	if err != nil || len(text) < length {
		return nil, errUnsure
	}
	if len(text) > length {
		s.byTheBook = false
	}
	return text[:length], nil
}

// identify reads the identifier, which the keys of old revisions depend on.
func (s *scheme) identify(trailer types.Dict) {
	halves := trailer.ArrayEntry("ID")
	if len(halves) == 2 {
		if id, err := s.text(halves[0]); err == nil {
			s.id = id
			return
		}
	}
	s.byTheBook = false // readers then do as if it were empty, as do we
}

// filters looks at the crypt filters of streams and strings: with any that does
// not need the password (Identity, attachments only) the PDF may open without.
func (s *scheme) filters(d types.Dict, methods ...string) {
	filters := d.DictEntry("CF")
	for _, use := range []string{"StmF", "StrF"} {
		name := d.NameEntry(use)
		if filters == nil || name == nil || *name == "Identity" {
			s.byTheBook = false
			continue
		}
		filter := filters.DictEntry(*name)
		if filter == nil {
			s.byTheBook = false
			continue
		}
		method, event := filter.NameEntry("CFM"), filter.NameEntry("AuthEvent")
		if method == nil || !slices.Contains(methods, *method) || event != nil && *event != "DocOpen" {
			s.byTheBook = false
		}
	}
	if s.revision == 4 {
		s.legacyKeys(declaredBits(d, 128))
	}
}

// legacyKeys notes the sizes of key that may be meant. Files contradict
// themselves there and readers differ, so all are tried; but only with the two
// usual ones can it be said that no reader would find another.
func (s *scheme) legacyKeys(bits int) {
	if s.revision == 2 {
		s.keySizes = []int{smallKey}
		return
	}
	if bits != 8*fullKey {
		s.byTheBook = false
	}
	s.keySizes = []int{fullKey, smallKey}
	if size := bits / 8; size > smallKey && size < fullKey {
		s.keySizes = append(s.keySizes, size)
	}
}

// declaredBits is the size of key that the dictionary gives, or the one meant
// where it gives none.
func declaredBits(d types.Dict, none int) int {
	if _, given := d.Find("Length"); !given {
		return none
	}
	if bits := d.IntEntry("Length"); bits != nil {
		return *bits
	}
	return 0
}

// text decodes a string of either form.
func (s *scheme) text(object types.Object) ([]byte, error) {
	switch object := object.(type) {
	case types.StringLiteral:
		if strings.Contains(object.Value(), "\r") {
			s.byTheBook = false // some readers make a line feed of it
		}
		return types.Unescape(object.Value()) //nolint:wrapcheck // nobody sees it
	case types.HexLiteral:
		return object.Bytes() //nolint:wrapcheck // nobody sees it
	default:
		return nil, errUnsure
	}
}
