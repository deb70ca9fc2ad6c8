package casapi

import (
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// DecodeContractNote reads the answer to a contract note; a note that stands alone,
// without its envelope, is read as well. As with [DecodeStatement], wrong kinds,
// unknown members, repeated names and invalid UTF-8 do not fail it, and all is kept.
// The error matches ErrBadAnswer: the body is no JSON, has no member of a contract
// note (then the error names the first that differs), or is too large in memory.
func DecodeContractNote(body []byte) (*ContractNote, error) {
	note, repeated, err := decodeTolerantly(body, decodeContractNote)
	if err != nil {
		return nil, fmt.Errorf("decode contract note: %w: %w", ErrBadAnswer, err)
	}
	note.Repeated = repeated
	return note, nil
}

func decodeContractNote(body []byte) (*ContractNote, error) {
	var note ContractNote
	var err error
	env := readObject(body)
	switch {
	case !env.complete:
		err = incomplete(body)
	case holdsContractNote(env.data):
		note.Wrapper, err = unwrap(body, env, &note)
	case holdsContractNote(body):
		_, err = decode(body, &note)
	default:
		err = errors.New(difference(body, contractNoteMembers()))
	}
	if err != nil {
		return nil, err
	}
	return &note, nil
}

// holdsContractNote reports whether an object has a member of a contract note, of its
// kind: no other answer of the API has any.
func holdsContractNote(object []byte) (holds bool) {
	members := contractNoteMembers()
	eachMember(object, func(name string, value jsontext.Value) {
		holds = holds || slices.Contains(members, member{name, value.Kind()})
	})
	return holds
}
