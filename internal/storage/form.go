package storage

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Besides values by their path, source_form holds under these names what the
// structure of the answer was. Paths have no colon: they are the columns' own.
const (
	nullsOf     = "nulls:"  // and the path of an array: where in it null stood
	lengthOf    = "length:" // and the path of an array that stood in place of an object of arrays: its length
	folioGroups = "groups:mutual_funds"
	wrapperOf   = "wrapper:"
	repeatedIn  = "repeated:"
)

// FolioGroup is an object around folios, such as one for each AMC. Its other
// members are in extra of the header.
type FolioGroup struct {
	At    int   `json:"at"`    // its place in the answer's array
	Count int   `json:"count"` // of its folios: those after the folios of what is before it
	Nulls []int `json:"nulls,omitempty"`
}

// Wrapper is an object around the whole response.
type Wrapper struct {
	In     string   `json:"in"`     // the member that the response is in
	Beside []string `json:"beside"` // the names of the others, which are in extra of the header
	// Shadowed are others that the response has members of the same name as.
	Shadowed map[string]jsontext.Value `json:"shadowed,omitempty"`
}

// Repeated is a member whose name came again in its object. It is kept, but not
// given back: the last one counts.
type Repeated struct {
	Pointer string         `json:"pointer"` // a JSON Pointer (RFC 6901)
	Value   jsontext.Value `json:"value"`
}

// Nulls notes where in an array null stood, if anywhere.
func (m Members) Nulls(path string, at []int) {
	if len(at) > 0 {
		m.note(nullsOf+path, at)
	}
}

// Length notes that an array stood in place of an object of arrays.
func (m Members) Length(path string, n int) { m.note(lengthOf+path, n) }

// FolioGroups notes which folios stood in objects of their own.
func (m Members) FolioGroups(groups []FolioGroup) { m.note(folioGroups, groups) }

// Wrapper notes what the response was in.
func (m Members) Wrapper(w Wrapper) { m.note(wrapperOf, w) }

// Repeated keeps members whose names came again.
func (m Members) Repeated(repeated []Repeated) { m.note(repeatedIn, repeated) }

func (m Members) note(name string, v any) {
	text, err := json.Marshal(v, json.Deterministic(true), jsontext.PreserveRawStrings(true), asItCame())
	if err != nil {
		panic("storage: " + err.Error()) // the types above, and JSON that was read before
	}
	m[name] = string(text)
}

// asItCame are the options for JSON that holds parts of an answer.
func asItCame() json.Options {
	return json.JoinOptions(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
}
