package jobs

import (
	"maps"
	"slices"
	"strings"

	"casflow/internal/casapi"
	"casflow/internal/storage"
)

// parser is what the API and casflow do with a kind of document.
type parser struct {
	endpoint casapi.Endpoint
	read     func(source) (reading, error)
	// uploadOnly is for an endpoint that takes no link and no PDF without a password.
	uploadOnly bool
}

// parsers are the parsers by kind of document.
var parsers = map[string]parser{ //nolint:gochecknoglobals // a constant
	storage.KindSmart:        {endpoint: casapi.SmartParse, read: readStatement},
	storage.KindCDSL:         {endpoint: casapi.CDSLParse, read: readStatement},
	storage.KindNSDL:         {endpoint: casapi.NSDLParse, read: readStatement},
	storage.KindCAMSKFintech: {endpoint: casapi.CAMSKFintechParse, read: readStatement},
	storage.KindContractNote: {endpoint: casapi.ContractNoteParse, read: readContractNote, uploadOnly: true},
}

// Kinds are the kinds of document that there are parsers for, in order.
func Kinds() []string { return slices.Sorted(maps.Keys(parsers)) }

// kinds lists the kinds of documents, for messages.
func kinds() string { return strings.Join(Kinds(), ", ") }

// normalize turns an answer into the rows of what its kind is: of a statement, or of
// a contract note. It is pure: the same answer gives the same rows, and the answer
// can be rebuilt from them. Values that cannot be read as what their column holds go
// to extra, nothing is guessed, and unknown stays unknown.
//
// Its errors are errBadAnswer (not such an answer, or one without what its key needs)
// and errMissingPAN.
//
// An answer of a kind that nobody knows is read as a statement.
func normalize(from source) (reading, error) {
	if p, known := parsers[from.kind]; known {
		return p.read(from)
	}
	return readStatement(from)
}
