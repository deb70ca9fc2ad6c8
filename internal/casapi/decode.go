package casapi

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Extra holds the members of an object that no field takes, by their names on
// the wire. Where something that is not an object stands in an object's place,
// that value is kept under the name Misplaced. Null there is the same as absent.
type Extra map[string]Value

// Misplaced is the name in an Extra of what is no object but stands in the place
// of one. No member can have it: names on the wire are valid UTF-8.
const Misplaced = "\xff"

const (
	// maxNesting is how deep JSON may be nested; the JSON library takes no more.
	maxNesting = 10_000
	// maxDecoded bounds what the structs of an answer take in memory, in bytes:
	// 30 MB of "{}" would become gigabytes of empty accounts. It leaves room for
	// 600,000 transactions; statements have some hundred.
	maxDecoded = 256 << 20
	// maxElements bounds the unknown elements and the plain values of one array.
	maxElements = 1 << 20
)

// Reasons for which decoding stops. None of their texts quotes the answer.
var (
	errTooMany  = errors.New("more objects and lists than can be held in memory")
	errRepeated = errors.New("a name is repeated in an object")
)

// List is an array. Null and absence give an empty one. Null elements are left
// out, and Nulls tells where in the array they stood. Anything that is not an
// array is kept in Unreadable.
type List[T any] struct {
	Items      []T
	Nulls      []int
	Unreadable Value
}

// Wrapper is an object around the unified response, as older docs show it and
// clients report it, or around a contract note.
type Wrapper struct {
	In     string // the member that the answer proper is in; "" without a wrapper
	Beside Extra  // the other members
}

// DecodeStatement reads the unified response, which may be inside a member
// "data" or "status" (see Statement.Wrapper). Wrong kinds, unknown members,
// repeated names and invalid UTF-8 do not fail it: all is kept somewhere in the
// Statement, but that bytes that are no UTF-8 are read as U+FFFD, each of them.
// The error matches ErrBadAnswer: the body is no JSON, has no member of the
// unified response (then the error names the first that differs), or is too
// large in memory.
func DecodeStatement(body []byte) (*Statement, error) {
	statement, repeated, err := decodeTolerantly(body, decodeStatement)
	if err != nil {
		return nil, fmt.Errorf("decode statement: %w: %w", ErrBadAnswer, err)
	}
	statement.Repeated = repeated
	return statement, nil
}

// decodeTolerantly reads a body that may have names more than once in an object, and
// bytes that are no UTF-8, with a function that takes neither.
func decodeTolerantly[T any](body []byte, read func([]byte) (*T, error)) (*T, []Repeated, error) {
	body = withoutBOM(body)
	if !utf8.Valid(body) {
		body = bytes.Map(func(r rune) rune { return r }, body)
	}
	answer, err := read(body)
	if !errors.Is(err, errRepeated) {
		return answer, nil, err
	}
	body, repeated, err := withoutRepeats(body)
	if err != nil {
		return nil, nil, err
	}
	answer, err = read(body)
	return answer, repeated, err
}

func decodeStatement(body []byte) (*Statement, error) {
	// In the ordinary way first, for nearly all answers are in order.
	var statement Statement
	found, err := decode(body, &statement)
	switch {
	case err == nil && (found || statement.hasList()):
		return &statement, nil
	case errors.Is(err, errRepeated), errors.Is(err, errTooMany):
		return nil, err
	}
	env := readObject(body)
	switch {
	case !env.complete:
		return nil, incomplete(body)
	case env.unified: // as far as it tells anything: "nps" is [], say
		return &statement, err
	case !readObject(env.data).unified:
		return nil, errors.New(difference(body, statementMembers()))
	}
	statement = Statement{} // the first look has put what is around into its extra
	if statement.Wrapper, err = unwrap(body, env, &statement); err != nil {
		return nil, err
	}
	return &statement, nil
}

// hasList reports whether one of the statement's arrays has anything in it.
func (s *Statement) hasList() bool {
	return len(s.DematAccounts.Items)+len(s.MutualFunds.Items)+len(s.NPS.Items) > 0
}

// unwrap reads an answer that is inside a member of body, and returns what is around
// it.
func unwrap(body []byte, env envelope, into any) (Wrapper, error) {
	if _, err := decode(env.data, into); err != nil {
		return Wrapper{}, err
	}
	beside, members := Extra{}, 0
	eachMember(body, func(name string, value jsontext.Value) {
		beside[name] = Value(value)
		members++
	})
	if len(beside) < members {
		return Wrapper{}, errRepeated
	}
	delete(beside, env.in)
	return Wrapper{In: env.in, Beside: beside}, nil
}

// ReadList reads a value as an array of objects, for arrays that stand where the
// unified response has none. Whatever is no array is in List.Unreadable. It
// fails for the reasons of DecodeStatement only.
func ReadList[T any](v Value) (List[T], error) {
	var list List[T]
	if v == "" {
		return list, nil
	}
	if _, err := decode([]byte(v), &list); err != nil {
		return List[T]{}, fmt.Errorf("read list: %w: %w", ErrBadAnswer, err)
	}
	return list, nil
}

// readFault is what to say of an error of the JSON library.
func readFault(err error) error {
	// Its text may quote the statement, so only the place is told.
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return fmt.Errorf("not JSON at byte %d", syntax.ByteOffset)
	}
	return errors.New("unreadable")
}
