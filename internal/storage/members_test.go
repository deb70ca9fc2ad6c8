package storage

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

// TestMembers_JSON: what jsonb does not hold as it is goes as JSON text, and all
// comes back.
func TestMembers_JSON(t *testing.T) {
	t.Parallel()
	deep := func(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }
	for _, test := range []struct {
		in    string
		plain bool
	}{
		{`null`, true},
		{`true`, true},
		{`"a\u20b9"`, true},
		{`"₹"`, true},
		{`{ "a" : [ 1 , null, {"b":{}} ] }`, true},
		{`-12345678901234567890.12345678901234567890`, true},
		{`[1e-7,1E+30,-0,0.0]`, true},
		{strings.Repeat("1", 1000), true},
		{`"😀"`, true},
		{`"\ud83d\ude00"`, true},
		{deep(500), true},
		{`{"json":1}`, true},

		{`"\u0000"`, false},
		{`{"a\u0000b":1}`, false},
		{`["\ud800"]`, false},
		{`"\udc00x"`, false},
		{`1e31`, false},
		{`[1e-31]`, false},
		{`1e99999999999999999999`, false},
		{strings.Repeat("1", 1001), false},
		{deep(501), false},
		{deep(10_000), false},
		{`{"$json":"[1]"}`, false},
		{`{"$json":5}`, false},
		{`{"a":{"$json":"x","b":1}}`, false},
		{`{"a":1,"a":2}`, false},
	} {
		text := Members{"at": test.in}.JSON()
		if !jsontext.Value(text).IsValid() || strings.Contains(text, `u0000"`) && !strings.Contains(text, `\\u0000`) {
			t.Errorf("%.100s: %.200s is nothing for jsonb", test.in, text)
		}
		if got := text == `{"at":`+test.in+`}`; got != test.plain {
			t.Errorf("%.100s: written as %.200s, want it as it is: %t", test.in, text, test.plain)
		}
		back, err := readMembers(text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(Members{"at": test.in}, back); diff != "" {
			t.Errorf("%.100s (-want +got):\n%.500s", test.in, diff)
		}
	}
	if got := (Members{}).JSON(); got != "" {
		t.Errorf("no members: %q, want nothing", got)
	}
	if got := (Members{"b": `1`, "a": ``}).JSON(); got != `{"a":null,"b":1}` {
		t.Errorf("got %s, want the order of the paths", got)
	}
}

func TestName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "a", "a.b", `a\b`, `\e`, `\`, "a[0]", "[", "]", ".", "..", "\x00", `\0`, "é", " ", "a:b", "e"} {
		path := "outer." + Name(name) + "[3]." + Name(name)
		got, err := steps(path)
		if err != nil {
			t.Errorf("%q in %q: %v", name, path, err)
			continue
		}
		want := []step{{name: "outer"}, {name: name}, {element: true, at: 3}, {name: name}}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(step{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", path, diff)
		}
	}
	for _, path := range []string{"[1]", "a[", "a[x]", "a[-1]", "a..b", "a.", ".a", "a[1]b"} {
		if got, err := steps(path); err == nil {
			t.Errorf("%q was read as %v", path, got)
		}
	}
}
