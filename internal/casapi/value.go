package casapi

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Value is one JSON value as it came: its raw text, quotes and all, or "" where
// the member was absent. Each reader returns false for what it cannot read, and
// "" with true for what is unknown.
type Value string

const null Value = "null"

// Known reports whether there is a value: not absent, null, "", [] or {}, which
// the API all uses for what a statement does not tell.
func (v Value) Known() bool {
	switch v {
	case "", null, `""`:
		return false
	}
	switch text := string(v); text[0] {
	case '[':
		return strings.TrimSpace(strings.TrimSuffix(text[1:], "]")) != ""
	case '{':
		return strings.TrimSpace(strings.TrimSuffix(text[1:], "}")) != ""
	}
	return true
}

// Text returns the content of a string, or a number's or boolean's own text.
// Objects and arrays are unreadable. Bytes that are no UTF-8, NUL (which no
// database takes in a text) and half surrogates come out as U+FFFD.
func (v Value) Text() (string, bool) {
	if !v.Known() {
		return "", true
	}
	switch kindOf(v) {
	case jsontext.KindString:
		return v.unquote()
	case jsontext.KindNumber, jsontext.KindTrue, jsontext.KindFalse:
		return string(v), utf8.ValidString(string(v))
	default: // objects, arrays and what is no JSON
		return "", false
	}
}

// kindOf tells a value's kind by its first character, as JSON allows.
func kindOf(v Value) jsontext.Kind {
	switch first := v[0]; {
	case first == '-', first >= '0' && first <= '9':
		return jsontext.KindNumber
	default:
		return jsontext.Kind(first)
	}
}

// unquote returns the content of a string.
func (v Value) unquote() (string, bool) {
	text := string(v)
	if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
		return "", false
	}
	if inner := text[1 : len(text)-1]; isVerbatim(inner) {
		return inner, true // nearly always, and without a copy
	}
	unquoted, err := jsontext.AppendUnquote(nil, text)
	if err != nil && !jsontext.Value(text).IsValid(jsontext.AllowInvalidUTF8(true)) {
		return "", false
	}
	return strings.ReplaceAll(string(unquoted), "\x00", string(utf8.RuneError)), true
}

// isVerbatim reports whether what is between quotes stands for itself.
func isVerbatim(inner string) bool {
	ascii := true
	for i := range len(inner) { // texts are short: whatever looks for several bytes at once takes longer to begin
		switch b := inner[i]; {
		case b == '\\', b == '"', b == 0:
			return false
		case b >= utf8.RuneSelf:
			ascii = false
		}
	}
	return ascii || utf8.ValidString(inner)
}

// IsText reports whether v is a string with exactly this content: then the text
// tells all that v does.
func (v Value) IsText(text string) bool {
	raw := string(v)
	if len(raw) < 2 || raw[0] != '"' {
		return false
	}
	if inner := raw[1 : len(raw)-1]; strings.IndexByte(inner, '\\') < 0 { // nearly always
		return inner == text
	}
	unquoted, err := jsontext.AppendUnquote(nil, raw)
	return err == nil && string(unquoted) == text
}

// IsNumber reports whether v is a JSON number.
func (v Value) IsNumber() bool { return v != "" && kindOf(v) == jsontext.KindNumber }

// Kind names the kind of JSON that v is: object, array, string, number, boolean,
// null or nothing.
func (v Value) Kind() string {
	if v == "" {
		return "nothing"
	}
	return kindName(kindOf(v))
}

// quote writes text as a JSON string.
func quote(text string) string {
	quoted, _ := jsontext.AppendQuote(nil, strings.ToValidUTF8(text, string(utf8.RuneError))) // fails for invalid UTF-8 only
	return string(quoted)
}

// content returns a scalar's text without the space around it, for the readers
// of numbers, dates and booleans.
func (v Value) content() (string, bool) {
	text, ok := v.Text()
	return strings.TrimSpace(text), ok
}

// Bool returns "true" or "false", from a JSON boolean or a string of that word
// in any case.
func (v Value) Bool() (string, bool) {
	text, ok := v.content()
	switch {
	case !ok:
		return "", false
	case text == "":
		return "", true
	case strings.EqualFold(text, "true"):
		return "true", true
	case strings.EqualFold(text, "false"):
		return "false", true
	}
	return "", false
}

// elements returns the values of an array, and none for anything else.
func (v Value) elements() []Value {
	decoder := jsontext.NewDecoder(bytes.NewBufferString(string(v)), tolerant()...)
	if token, err := decoder.ReadToken(); err != nil || token.Kind() != jsontext.KindBeginArray {
		return nil
	}
	var elements []Value
	for {
		element, err := decoder.ReadValue()
		if err != nil { // the end of the array, for one
			return elements
		}
		elements = append(elements, Value(element))
	}
}
