package casapi_test

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"casflow/internal/casapi"
)

func TestValue_Storable(t *testing.T) {
	t.Parallel()
	digits := strings.Repeat("1", 1000)
	deep := func(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }
	tests := []struct{ name, in, want string }{
		{"Absent", ``, `null`},
		{"Null", `null`, `null`},
		{"True", `true`, `true`},
		{"String", `"a\u20b9"`, `"a₹"`},
		{"Empty", `""`, `""`},
		{"Nested", `{ "a" : [ 1 , null, {"b":{}} ] }`, `{"a":[1,null,{"b":{}}]}`},
		{"RepeatedNames", `{"a":1,"a":2}`, `{"a":1,"a":2}`},
		{"Escapes", `"\"\\\n\u0001"`, `"\"\\\n\u0001"`},

		{"Digits", `1234.5599999999999000`, `1234.5599999999999000`},
		{"Tiny", `[1e-7,1E+5,-0]`, `[1e-7,1E+5,-0]`},
		{"FarNumber", `1e400`, `1e400`},
		{"TooFarNumber", `[1e401,-1e-99999999999]`, `["1e401","-1e-99999999999"]`},
		{"LongNumber", digits, digits},
		{"TooLongNumber", digits + "1", `"` + digits + `1"`},

		{"NUL", `{"a\u0000b":"\u0000"}`, "{\"a\ufffdb\":\"\ufffd\"}"},
		{"HalfSurrogate", `["\ud800","\udc00x","\ud83d\ude00"]`, "[\"\ufffd\",\"\ufffdx\",\"😀\"]"},
		{"InvalidUTF8", "{\"a\xff\":\"\xfe\"}", "{\"a\ufffd\":\"\ufffd\"}"},

		{"Deep", deep(10000), deep(10000)},
		{"TooDeep", deep(10001), `"` + deep(10001) + `"`},
		{"NotJSON", `nonsense`, `"nonsense"`},
		{"CutOff", `{"a":`, `"{\"a\":"`},
		{"CutOffString", `"a`, `"\"a"`},
		{"NotJSONNUL", "a\x00\xffb", "\"a\ufffd\ufffdb\""},
		{"Blank", ` `, `" "`},
		{"TwoValues", `1 2`, `"1 2"`},
		{"TwoArrays", `[] []`, `"[] []"`},
		{"Trailing", `{}}`, `"{}}"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := casapi.Value(test.in).Storable()
			if got != test.want {
				t.Errorf("got %.200s, want %.200s", got, test.want)
			}
			assertStorable(t, got)
		})
	}
}

func TestExtra_Storable(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		in   casapi.Extra
		want string
	}{
		{"Nil", nil, ``},
		{"Empty", casapi.Extra{}, ``},
		{"Ordered", casapi.Extra{"b": `1`, "a": `[ ]`, "": `"text"`}, `{"":"text","a":[],"b":1}`},
		{"AbsentAndBroken", casapi.Extra{"a": ``, "b": `{`}, `{"a":null,"b":"{"}`},
		{"Names", casapi.Extra{"a\"b\\": `1`, "c\x00": `2`, "d\xff": `3`}, "{\"a\\\"b\\\\\":1,\"c\ufffd\":2,\"d\ufffd\":3}"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := test.in.Storable()
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			if got != "" {
				assertStorable(t, got)
			}
		})
	}
}

// assertStorable checks that Postgres would take text as jsonb: JSON of valid
// UTF-8 without NUL or half surrogates. (Its numbers are checked by those who
// know what went in.) Repeated names are allowed there.
func assertStorable(t *testing.T, text string) {
	t.Helper()
	if !jsontext.Value(text).IsValid(jsontext.AllowDuplicateNames(true)) {
		t.Errorf("is not valid JSON: %.200q", text)
	}
	// A backslash itself is escaped as two, so an odd one before u0000 is a NUL.
	if rest := strings.ReplaceAll(text, `\\`, ""); strings.Contains(rest, `\u0000`) || strings.Contains(rest, "\x00") {
		t.Errorf("has a NUL: %.200q", text)
	}
}
