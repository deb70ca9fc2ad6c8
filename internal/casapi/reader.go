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
	order  []field // as an answer mostly has them
	extra  int     // index of its Extra
}

// field is where a member goes.
type field struct {
	name  Value // quoted
	index int
	place int    // in the order
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
		f := field{name: Value(`"` + name + `"`), index: i, place: len(s.order)}
		switch {
		case name == "-":
			continue
		case name == "":
			s.extra = i
			continue
		case member.Type.Kind() == reflect.String:
		case reflect.PointerTo(member.Type).Implements(reflect.TypeFor[list]()):
			if items, _ := member.Type.FieldByName("Items"); items.Type.Elem().Kind() == reflect.Struct {
				add(all, items.Type.Elem())
			}
			f.list = true
		default:
			f.shape = add(all, member.Type)
		}
		s.fields[name] = f
		s.order = append(s.order, f)
	}
	return s
}

// field is where a member goes, by its name as it came; next is the place that it is
// expected to have.
func (s *shape) field(quoted Value, next int) (f field, known bool) {
	if next < len(s.order) && s.order[next].name == quoted {
		return s.order[next], true
	}
	f, known = s.fields[unquoted(quoted)]
	return f, known
}

// reader reads one answer. Every Value is a part of one string, so that a statement
// of some thousand values takes one allocation for their text.
type reader struct {
	*jsontext.Decoder
	source string
	held   uintptr        // what the structs take so far, in bytes
	found  bool           // a struct in its place at the top
	rooms  map[*shape]any // where lists are read, by their elements
}

// decode reads body into a struct or list, and reports whether it found a struct
// of the statement in its place at the top.
func decode(body []byte, into any) (found bool, err error) {
	// Half surrogates count as invalid UTF-8. Repeated names fail it here.
	r := &reader{Decoder: jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowInvalidUTF8(true)), source: string(body), rooms: make(map[*shape]any)}
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

// unquoted is the name of a member.
func unquoted(quoted Value) string {
	if inner := string(quoted[1 : len(quoted)-1]); strings.IndexByte(inner, '\\') < 0 { // nearly always
		return inner
	}
	name, _ := jsontext.AppendUnquote(nil, string(quoted)) // half a surrogate pair is U+FFFD
	return string(name)
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
		for next := 0; r.PeekKind() != jsontext.KindEndObject; {
			if err := r.member(into, of, &next, &extra); err != nil {
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

// member reads a member into its field, or into extra where there is none. next is the
// place of the field that is expected.
func (r *reader) member(into reflect.Value, of *shape, next *int, extra *Extra) error {
	quoted, err := r.value()
	if err != nil {
		return err
	}
	f, known := of.field(quoted, *next)
	if known {
		*next = f.place + 1
	}
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
	(*extra)[unquoted(quoted)] = v
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
	// Read where another list was read before, and then copied: one that grows for itself
	// takes three times as much memory.
	room, _ := r.rooms[of].([]T)
	delete(r.rooms, of)
	l.Items = room
	for r.PeekKind() != jsontext.KindEndArray {
		if err := l.add(r, of); err != nil {
			return err
		}
	}
	room, l.Items = l.Items, append([]T(nil), l.Items...)
	clear(room)
	r.rooms[of] = room[:0]
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
