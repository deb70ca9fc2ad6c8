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
	fields map[string]*field
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
	s := &shape{size: of.Size(), fields: make(map[string]*field)}
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
		s.order = append(s.order, f)
	}
	for i := range s.order {
		f := &s.order[i]
		s.fields[unquoted(f.name)] = f
	}
	if len(s.order) > 64 {
		panic("casapi: a struct has more fields than object.seen has bits")
	}
	return s
}

// field is where a member goes, by its name as it came; nil is nowhere. next is the place
// that it is expected to have.
func (s *shape) field(quoted Value, next int) *field {
	for ; next < len(s.order); next++ { // those before it were left out
		if s.order[next].name == quoted {
			return &s.order[next]
		}
	}
	return s.fields[unquoted(quoted)]
}

// reader reads one answer. Every Value is a part of one string, so that a statement
// of some thousand values takes one allocation for their text.
type reader struct {
	cursor
	held  uintptr        // what the structs take so far, in bytes
	found bool           // a struct in its place at the top
	rooms map[*shape]any // where lists are read, by their elements
}

// decode reads body into a struct or list, and reports whether it found a struct
// of the statement in its place at the top.
func decode(body []byte, into any) (found bool, err error) {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(body), tolerant()...)
	if _, err := decoder.ReadValue(); err != nil {
		return false, readFault(err)
	}
	if !atEnd(decoder) {
		return false, errors.New("more than one value")
	}
	r := &reader{cursor: cursor{text: string(body)}, rooms: make(map[*shape]any)}
	if l, ok := into.(list); ok {
		err = l.read(r)
	} else {
		v := reflect.ValueOf(into).Elem()
		err = r.object(v, shapes[v.Type()])
	}
	return r.found, err
}

// raw is the next value, to be kept as it came. It fails where a name is repeated in it.
func (r *reader) raw() (Value, error) {
	v := r.value()
	if v[0] != '{' && v[0] != '[' {
		return v, nil
	}
	// Half surrogates count as invalid UTF-8.
	if !jsontext.Value(v).IsValid(jsontext.AllowInvalidUTF8(true)) {
		return "", errRepeated
	}
	return v, nil
}

// unquoted is the name of a member.
func unquoted(quoted Value) string {
	if inner := string(quoted[1 : len(quoted)-1]); strings.IndexByte(inner, '\\') < 0 { // nearly always
		return inner
	}
	name, _ := jsontext.AppendUnquote(nil, string(quoted)) // half a surrogate pair is U+FFFD
	return string(name)
}

// object is one that is being read.
type object struct {
	into  reflect.Value // a struct
	of    *shape
	next  int    // place of the field that is expected
	seen  uint64 // fields that came, by place
	extra Extra  // what no field takes
}

// object reads a struct. Null is the same as absent, and what else is no object is
// kept in Extra.
func (r *reader) object(into reflect.Value, of *shape) error {
	if r.held += of.size; r.held > maxDecoded {
		return errTooMany
	}
	o := object{into: into, of: of}
	switch r.kind() {
	case 'n':
		r.value()
		return nil
	case '{':
		r.found = r.found || r.depth == 1
		r.enter()
		for r.kind() != '}' {
			if err := r.member(&o); err != nil {
				return err
			}
		}
		r.leave()
	default:
		misplaced, err := r.raw()
		if err != nil {
			return err
		}
		o.extra = Extra{Misplaced: misplaced}
	}
	if o.extra != nil {
		into.Field(of.extra).Set(reflect.ValueOf(o.extra))
	}
	return nil
}

// member reads a member into its field, or into extra where there is none.
func (r *reader) member(o *object) error {
	quoted := r.value()
	f := o.of.field(quoted, o.next)
	if f == nil {
		return r.unknown(o, unquoted(quoted))
	}
	came := uint64(1) << f.place
	if o.seen&came != 0 {
		return errRepeated
	}
	o.seen |= came
	o.next = f.place + 1
	into := o.into.Field(f.index)
	switch {
	case f.shape != nil:
		return r.object(into, f.shape)
	case f.list:
		return into.Addr().Interface().(list).read(r) //nolint:errcheck // add has looked
	}
	v, err := r.raw()
	into.SetString(string(v))
	return err
}

// unknown reads a member into extra.
func (r *reader) unknown(o *object, name string) (err error) {
	if _, came := o.extra[name]; came {
		return errRepeated
	}
	if o.extra == nil {
		o.extra = make(Extra)
	}
	o.extra[name], err = r.raw()
	return err
}

// list is a List of anything.
type list interface{ read(r *reader) error }

// read reads the array.
func (l *List[T]) read(r *reader) (err error) {
	switch r.kind() {
	case 'n':
		r.value()
		return nil
	case '[':
		r.enter()
	default:
		l.Unreadable, err = r.raw()
		return err
	}
	of := shapes[reflect.TypeFor[T]()] // nil for Values
	// Read where another list was read before, and then copied: one that grows for itself
	// takes three times as much memory.
	room, _ := r.rooms[of].([]T)
	delete(r.rooms, of)
	l.Items = room
	for r.kind() != ']' {
		if err := l.add(r, of); err != nil {
			return err
		}
	}
	r.leave()
	room, l.Items = l.Items, append([]T(nil), l.Items...)
	clear(room)
	r.rooms[of] = room[:0]
	return nil
}

// add reads the next element.
func (l *List[T]) add(r *reader, of *shape) (err error) {
	if len(l.Items) >= maxElements || len(l.Nulls) >= maxElements {
		return errTooMany
	}
	if r.kind() == 'n' {
		l.Nulls = append(l.Nulls, len(l.Items)+len(l.Nulls))
		r.value()
		return nil
	}
	l.Items = append(l.Items, *new(T)) // read in its place: one on the way there would be an allocation for each
	item := &l.Items[len(l.Items)-1]
	if v, ok := any(item).(*Value); ok {
		*v, err = r.raw()
		return err
	}
	return r.object(reflect.ValueOf(item).Elem(), of)
}
