package casapi

import (
	"bytes"
	"errors"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// The structs of an answer are all made of the same few things: Values, Lists,
// other such structs, and the Extra of what no field takes. So they are read by the
// few functions below instead of by the JSON library, to which a Value is a type of
// somebody else's: that took twice the time.

// shape is how a struct is read.
type shape struct {
	size   uintptr // of the struct in memory
	fields map[string]field
	extra  int // index of its Extra
}

// field is where a member goes.
type field struct {
	index int
	list  bool   // a List
	shape *shape // of an object; nil: a Value or a List
}

// shapes are those of all structs that an answer may have.
var shapes = func() map[reflect.Type]*shape { //nolint:gochecknoglobals // a constant, computed
	all := make(map[reflect.Type]*shape)
	add(all, reflect.TypeFor[Statement]())
	add(all, reflect.TypeFor[ContractNote]())
	return all
}()

// add adds the shapes of a struct and of all within, and returns its own.
func add(all map[reflect.Type]*shape, of reflect.Type) *shape {
	if known := all[of]; known != nil {
		return known
	}
	s := &shape{size: of.Size(), fields: make(map[string]field)}
	all[of] = s
	for i := range of.NumField() {
		member := of.Field(i)
		name, _, _ := strings.Cut(member.Tag.Get("json"), ",")
		switch f := (field{index: i}); {
		case name == "-":
		case name == "":
			s.extra = i
		case member.Type.Kind() == reflect.String:
			s.fields[name] = f
		case reflect.PointerTo(member.Type).Implements(reflect.TypeFor[list]()):
			if items, _ := member.Type.FieldByName("Items"); items.Type.Elem().Kind() == reflect.Struct {
				add(all, items.Type.Elem())
			}
			f.list = true
			s.fields[name] = f
		default:
			f.shape = add(all, member.Type)
			s.fields[name] = f
		}
	}
	return s
}

// reader reads one answer. Every Value is a part of one string, so that a statement
// of some thousand values takes one allocation for their text.
type reader struct {
	*jsontext.Decoder
	source string
	held   uintptr // what the structs take so far, in bytes
	found  bool    // a struct in its place at the top
}

// decode reads body into a struct or list, and reports whether it found a struct
// of the statement in its place at the top.
func decode(body []byte, into any) (found bool, err error) {
	// Half surrogates count as invalid UTF-8. Repeated names fail it here.
	r := &reader{Decoder: jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowInvalidUTF8(true)), source: string(body)}
	if l, ok := into.(list); ok {
		err = l.read(r)
	} else {
		v := reflect.ValueOf(into).Elem()
		err = r.object(v, shapes[v.Type()])
	}
	if err == nil && !atEnd(r.Decoder) {
		err = errors.New("more than one value")
	}
	return r.found, readFault(err)
}

// value reads the next value, or the name of a member, as it came.
func (r *reader) value() (Value, error) {
	raw, err := r.ReadValue()
	if err != nil {
		return "", err //nolint:wrapcheck // readFault says what it is
	}
	end := int(r.InputOffset())
	return Value(r.source[end-len(raw) : end]), nil
}

// name reads the name of a member.
func (r *reader) name() (string, error) {
	quoted, err := r.value()
	if err != nil {
		return "", err
	}
	if inner := string(quoted[1 : len(quoted)-1]); strings.IndexByte(inner, '\\') < 0 { // nearly always
		return inner, nil
	}
	name, _ := jsontext.AppendUnquote(nil, string(quoted)) // half a surrogate pair is U+FFFD
	return string(name), nil
}

// object reads a struct. Null is the same as absent, and what else is no object is
// kept in Extra.
func (r *reader) object(into reflect.Value, of *shape) error {
	if r.held += of.size; r.held > maxDecoded {
		return errTooMany
	}
	var extra Extra
	switch r.PeekKind() {
	case jsontext.KindNull:
		return r.SkipValue() //nolint:wrapcheck // as in value
	case jsontext.KindBeginObject:
		r.found = r.found || r.StackDepth() == 1
		if _, err := r.ReadToken(); err != nil {
			return err //nolint:wrapcheck // as in value
		}
		for r.PeekKind() != jsontext.KindEndObject {
			if err := r.member(into, of, &extra); err != nil {
				return err
			}
		}
		if _, err := r.ReadToken(); err != nil {
			return err //nolint:wrapcheck // as in value
		}
	default:
		misplaced, err := r.value()
		if err != nil {
			return err
		}
		extra = Extra{Misplaced: misplaced}
	}
	if extra != nil {
		into.Field(of.extra).Set(reflect.ValueOf(extra))
	}
	return nil
}

// member reads a member into its field, or into extra where there is none.
func (r *reader) member(into reflect.Value, of *shape, extra *Extra) error {
	name, err := r.name()
	if err != nil {
		return err
	}
	f, known := of.fields[name]
	switch {
	case f.shape != nil:
		return r.object(into.Field(f.index), f.shape)
	case f.list:
		return into.Field(f.index).Addr().Interface().(list).read(r) //nolint:errcheck // add has looked
	}
	v, err := r.value()
	switch {
	case err != nil:
		return err
	case known:
		into.Field(f.index).SetString(string(v))
		return nil
	case *extra == nil:
		*extra = make(Extra)
	}
	(*extra)[name] = v
	return nil
}

// list is a List of anything.
type list interface{ read(r *reader) error }

// read reads the array.
func (l *List[T]) read(r *reader) error {
	switch r.PeekKind() {
	case jsontext.KindNull:
		return r.SkipValue() //nolint:wrapcheck // as in value
	case jsontext.KindBeginArray:
	default:
		v, err := r.value()
		l.Unreadable = v
		return err
	}
	if _, err := r.ReadToken(); err != nil {
		return err //nolint:wrapcheck // as in value
	}
	of := shapes[reflect.TypeFor[T]()] // nil for Values
	for r.PeekKind() != jsontext.KindEndArray {
		if err := l.add(r, of); err != nil {
			return err
		}
	}
	_, err := r.ReadToken()
	return err //nolint:wrapcheck // as in value
}

// add reads the next element.
func (l *List[T]) add(r *reader, of *shape) (err error) {
	if len(l.Items) >= maxElements || len(l.Nulls) >= maxElements {
		return errTooMany
	}
	if r.PeekKind() == jsontext.KindNull {
		l.Nulls = append(l.Nulls, len(l.Items)+len(l.Nulls))
		return r.SkipValue() //nolint:wrapcheck // as in value
	}
	l.Items = append(l.Items, *new(T)) // read in its place: one on the way there would be an allocation for each
	item := &l.Items[len(l.Items)-1]
	if v, ok := any(item).(*Value); ok {
		*v, err = r.value()
		return err
	}
	return r.object(reflect.ValueOf(item).Elem(), of)
}
