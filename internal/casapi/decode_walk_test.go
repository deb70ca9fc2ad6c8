package casapi_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/casapi"
)

// sketch writes a unified response with every member there is, by the types of
// the Statement. Each member holds its own path as text, each object one member
// nobody knows, each array one element. raw stands in place of what is at the
// path at.
type sketch struct {
	at, raw string
	json    strings.Builder
	kinds   map[string]string // of each path: value, object, array, or array of values
}

const unknownMember = "zz_new"

func draw(at, raw string) *sketch {
	s := &sketch{at: at, raw: raw, kinds: map[string]string{}}
	s.write(reflect.TypeFor[casapi.Statement](), "")
	return s
}

func (s *sketch) write(typ reflect.Type, path string) {
	kind, items := kindOf(typ)
	s.kinds[path] = kind
	switch {
	case path != "" && path == s.at:
		s.json.WriteString(s.raw)
	case kind == "value":
		fmt.Fprintf(&s.json, "%q", path)
	case items != nil:
		s.json.WriteByte('[')
		s.write(items, path+"[0]")
		s.json.WriteByte(']')
	default:
		s.json.WriteByte('{')
		for field := range typ.Fields() {
			if name := wireName(field); name != "" && name != "-" {
				fmt.Fprintf(&s.json, "%q:", name)
				s.write(field.Type, join(path, name))
				s.json.WriteByte(',')
			}
		}
		fmt.Fprintf(&s.json, "%q:%q}", unknownMember, join(path, unknownMember))
	}
}

// kindOf tells what a type reads and, for an array, the type of its elements.
func kindOf(typ reflect.Type) (kind string, items reflect.Type) {
	value := reflect.TypeFor[casapi.Value]()
	if typ == value {
		return "value", nil
	}
	list, isList := typ.FieldByName("Items")
	switch {
	case !isList:
		return "object", nil
	case list.Type.Elem() == value:
		return "array of values", value
	}
	return "array", list.Type.Elem()
}

// wireName is a field's name on the wire, "" for Extra and "-" for a field that
// is no member.
func wireName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name
}

func join(path, name string) string { return strings.TrimPrefix(path+"."+name, ".") }

// flatten collects all that a part of the Statement holds, by path: an Extra's
// members like any others (so what is misplaced ends in a full stop), and what
// an unreadable array was, ending in an exclamation mark.
func flatten(part reflect.Value, path string, flat map[string]string) {
	switch held := part.Interface().(type) {
	case casapi.Value:
		if held != "" {
			flat[path] = string(held)
		}
		return
	case casapi.Extra:
		for name, value := range held {
			if name == casapi.Misplaced {
				name = ""
			}
			flat[join(path, name)] = string(value)
		}
		return
	}
	for field, value := range part.Fields() {
		switch {
		case field.Name == "Nulls", wireName(field) == "-":
		case field.Name == "Unreadable":
			if value.String() != "" {
				flat[path+"!"] = value.String()
			}
		case field.Name == "Items":
			for i := range value.Len() {
				flatten(value.Index(i), fmt.Sprintf("%s[%d]", path, i), flat)
			}
		case wireName(field) == "":
			flatten(value, path, flat)
		default:
			flatten(value, join(path, wireName(field)), flat)
		}
	}
}

func flattened(t *testing.T, body string) map[string]string {
	t.Helper()
	statement, err := casapi.DecodeStatement([]byte(body))
	if err != nil {
		t.Fatalf("%v: %.200s", err, body)
	}
	flat := map[string]string{}
	flatten(reflect.ValueOf(*statement), "", flat)
	return flat
}

// whole is what a sketch without a replacement flattens to.
func whole(s *sketch) map[string]string {
	flat := map[string]string{}
	for path, kind := range s.kinds {
		switch kind {
		case "value":
			flat[path] = `"` + path + `"`
		case "object":
			flat[join(path, unknownMember)] = `"` + join(path, unknownMember) + `"`
		}
	}
	return flat
}

// TestDecodeStatement_EveryMember: each member lands in the field of its name,
// and unknown members are kept at every level.
func TestDecodeStatement_EveryMember(t *testing.T) {
	t.Parallel()
	s := draw("", "")
	if len(s.kinds) < 300 {
		t.Fatalf("the sketch has %d members only", len(s.kinds))
	}
	if diff := cmp.Diff(whole(s), flattened(t, s.json.String())); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestDecodeStatement_WrongKinds puts each kind of JSON in place of each object
// and array, one at a time: it is kept where it stood, and all else stays.
func TestDecodeStatement_WrongKinds(t *testing.T) {
	t.Parallel()
	base := draw("", "")
	for _, raw := range []string{`null`, `"text"`, `""`, `-1.50`, `true`, `{}`, `{"a":1}`, `[]`, `[1,null,{"a":[]}]`} {
		t.Run(raw, func(t *testing.T) {
			t.Parallel()
			for at, kind := range base.kinds {
				if at == "" || kind == "value" {
					continue
				}
				want := whole(base)
				maps.DeleteFunc(want, func(path, _ string) bool {
					rest, found := strings.CutPrefix(path, at)
					return found && (rest == "" || rest[0] == '.' || rest[0] == '[')
				})
				maps.Copy(want, keptAt(at, kind, raw))
				got := flattened(t, draw(at, raw).json.String())
				if !maps.Equal(want, got) {
					t.Errorf("in place of the %s %s: -want +got:\n%s", kind, at, cmp.Diff(want, got))
				}
			}
		})
	}
}

// keptAt is what a statement should hold of raw in place of an object or array.
func keptAt(at, kind, raw string) map[string]string {
	switch {
	case raw == `null`:
		return nil
	case kind == "object" && raw[0] == '{':
		if raw == `{}` {
			return nil
		}
		return map[string]string{at + ".a": `1`}
	case kind == "object":
		return map[string]string{at + ".": raw}
	case raw[0] != '[':
		return map[string]string{at + "!": raw}
	case raw == `[]`:
		return nil
	case kind == "array":
		return map[string]string{at + "[0].": `1`, at + "[1].a": `[]`}
	}
	return map[string]string{at + "[0]": `1`, at + "[1]": `{"a":[]}`}
}

// TestDecodeStatement_Values: whatever the kind of a value, it is kept as it
// came, and null in place of everything is nothing but unknown.
func TestDecodeStatement_Values(t *testing.T) {
	t.Parallel()
	const path = "mutual_funds[0].schemes[0].transactions[0].amount"
	for _, raw := range []string{`null`, `""`, `"1,23,456.78"`, `0.10`, `12345678901234567890.10`, `1E-7`, `{ "a" : [1] }`, `[ ]`, `false`, `"\u20b9\ud800"`} {
		if got := flattened(t, draw(path, raw).json.String())[path]; got != raw {
			t.Errorf("got %s, want %s", got, raw)
		}
	}
	kinds := draw("", "").kinds
	members := slices.DeleteFunc(slices.Collect(maps.Keys(kinds)), func(path string) bool { return path == "" || strings.ContainsAny(path, ".[") })
	body := `{"mutual_funds":[null]`
	for _, name := range members {
		if name != "mutual_funds" {
			body += fmt.Sprintf(",%q:null", name)
		}
	}
	if got := flattened(t, body+"}"); len(got) != 0 || len(members) != 7 {
		t.Errorf("%s: got %v", body, got)
	}
}
