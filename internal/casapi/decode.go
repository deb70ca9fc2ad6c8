package casapi

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Extra holds the members of an object that no field takes, by their names on
// the wire. Where something that is not an object stands in an object's place,
// that value is kept under the name "". Null there is the same as absent.
type Extra map[string]Value

// List is an array. Null and absence give an empty one, and null elements are
// left out. Anything that is not an array is kept in Unreadable.
type List[T any] struct {
	Items      []T
	Unreadable Value
}

// UnmarshalJSONFrom reads the array; the JSON library calls it.
func (l *List[T]) UnmarshalJSONFrom(decoder *jsontext.Decoder) error {
	*l = List[T]{} // a repeated name counts once, with its last value
	switch decoder.PeekKind() {
	case jsontext.KindNull:
		return decoder.SkipValue() //nolint:wrapcheck // the library adds the place
	case jsontext.KindBeginArray:
	default:
		return json.UnmarshalDecode(decoder, &l.Unreadable) //nolint:wrapcheck // as above
	}
	if _, err := decoder.ReadToken(); err != nil {
		return err //nolint:wrapcheck // as above
	}
	for decoder.PeekKind() != jsontext.KindEndArray {
		if decoder.PeekKind() == jsontext.KindNull {
			if err := decoder.SkipValue(); err != nil {
				return err //nolint:wrapcheck // as above
			}
			continue
		}
		var item T
		if err := json.UnmarshalDecode(decoder, &item); err != nil {
			return err //nolint:wrapcheck // as above
		}
		l.Items = append(l.Items, item)
	}
	_, err := decoder.ReadToken()
	return err //nolint:wrapcheck // as above
}

// object is a struct of the statement. misread keeps what stood in its place.
type object interface{ misread(raw Value) }

// DecodeStatement reads the unified response, which may be inside a member
// "data" (then what is beside it goes to Statement.Extra). Wrong kinds, unknown
// members, repeated names and invalid UTF-8 do not fail it: all is kept
// somewhere in the Statement. The error matches ErrBadAnswer: the body is no
// JSON, or has no member of the unified response.
func DecodeStatement(body []byte) (*Statement, error) {
	body = withoutBOM(body)
	source := string(body)
	if !utf8.ValidString(source) {
		source = strings.ToValidUTF8(source, string(utf8.RuneError))
		body = []byte(source)
	}
	env := readObject(body)
	switch {
	case !env.complete:
		return nil, fmt.Errorf("decode statement: %w: not JSON, or cut off", ErrBadAnswer)
	case env.unified:
		return decode(body, source)
	case !readObject(env.data).unified:
		return nil, fmt.Errorf("decode statement: %w: not the unified response", ErrBadAnswer)
	}
	statement, err := decode(env.data, string(env.data))
	if err != nil {
		return nil, err
	}
	eachMember(body, func(name string, value jsontext.Value) {
		if name != "data" {
			statement.keep(name, Value(value))
		}
	})
	return statement, nil
}

// keep adds a member that stood beside the statement, unless the statement has
// one of that name itself.
func (s *Statement) keep(name string, value Value) {
	if _, taken := s.Extra[name]; taken {
		return
	}
	if s.Extra == nil {
		s.Extra = Extra{}
	}
	s.Extra[name] = value
}

// decode reads body, of which source is a copy. Every Value is a part of
// source, so that a statement of some thousand values takes one allocation for
// their text.
func decode(body []byte, source string) (*Statement, error) {
	values := json.UnmarshalFromFunc(func(decoder *jsontext.Decoder, value *Value) error {
		raw, err := decoder.ReadValue()
		if err != nil {
			return err //nolint:wrapcheck // the library adds the place
		}
		end := int(decoder.InputOffset())
		*value = Value(source[end-len(raw) : end])
		return nil
	})
	objects := json.UnmarshalFromFunc(func(decoder *jsontext.Decoder, into object) error {
		switch decoder.PeekKind() {
		case jsontext.KindBeginObject:
			return errors.ErrUnsupported // go on in the ordinary way
		case jsontext.KindNull:
			return decoder.SkipValue()
		default: // a wrong kind, kept below
		}
		raw, err := decoder.ReadValue()
		if err != nil {
			return err //nolint:wrapcheck // as above
		}
		into.misread(Value(raw))
		return nil
	})
	var statement Statement
	options := append(tolerant(), json.WithUnmarshalers(json.JoinUnmarshalers(values, objects)))
	if err := json.Unmarshal(body, &statement, options...); err != nil {
		// Its text may quote the statement, so only the place is told.
		if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
			return nil, fmt.Errorf("decode statement: %w: not JSON at byte %d", ErrBadAnswer, syntax.ByteOffset)
		}
		return nil, fmt.Errorf("decode statement: %w: unreadable", ErrBadAnswer)
	}
	return &statement, nil
}
