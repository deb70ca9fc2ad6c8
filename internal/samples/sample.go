package samples

import (
	"crypto/sha256"
	"encoding/binary"
)

// AttachmentName is the embedded file of each sample PDF that holds the
// unified response (JSON).
const AttachmentName = "casflow-sample-answer.json"

// Source is who issued a statement, by the API's name for it.
type Source string

// The sources of statements: the two depositories, and the registrars.
const (
	SourceCDSL         Source = "CDSL"
	SourceNSDL         Source = "NSDL"
	SourceCAMSKFintech Source = "CAMS_KFINTECH"
)

// Sample is one statement or contract note. It is made by [Generate] or
// [GenerateContractNotes] and holds no PDF: that is made anew by each call of
// [Sample.PDF].
type Sample struct {
	Filename             string // such as "investor-0007_2025-04_cdsl.pdf"; never holds the PAN
	Source               Source
	PAN, Name            string        // the PAN is ZZZP, a letter, four digits, a letter
	PeriodFrom, PeriodTo string        // ISO dates, both included; of a contract note the trade date, twice
	Password             string        // opens the PDF; it is the PAN, unless it is changed before PDF is called
	Statement            *Statement    // nil for a contract note
	ContractNote         *ContractNote // nil for a statement
	Answer               []byte        // as JSON: what the API answers; also the attachment

	seed   uint64
	target int // size of the PDF in bytes
}

// title is what the document calls itself.
func (s *Sample) title() string {
	if s.ContractNote != nil {
		return "Contract Note cum Tax Invoice"
	}
	return "Consolidated Account Statement"
}

// made is the ISO timestamp at which the document was made: a statement tells it,
// a contract note is written in the evening of its day.
func (s *Sample) made() string {
	if s.ContractNote != nil {
		return s.ContractNote.Info.TradeDate + "T19:30:00"
	}
	return s.Statement.Meta.GeneratedAt
}

// secret is what the PDF's keys and noise are derived from: everything that
// tells this sample from others.
func (s *Sample) secret() [32]byte {
	h := sha256.New()
	h.Write([]byte("casflow sample\x00" + s.Filename + "\x00" + s.Password + "\x00"))
	var numbers [16]byte
	binary.BigEndian.PutUint64(numbers[:8], s.seed)
	binary.BigEndian.PutUint64(numbers[8:], uint64(s.target)) //nolint:gosec // never negative
	h.Write(numbers[:])
	h.Write(s.Answer)
	return [32]byte(h.Sum(nil))
}
