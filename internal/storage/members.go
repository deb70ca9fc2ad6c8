package storage

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Members are values of an answer by their paths within a row's object: names
// joined by dots, as [Name] writes them, with [3] for an element of an array. The
// path "" is the object's own place, where something else stands in it. A value
// is its JSON text as it came; "" is none.
type Members map[string]string

// rawMember is the only member of an object that stands for a value which jsonb
// cannot hold: one with NUL, half a surrogate pair or a number beyond numeric,
// or nested too deep. It holds the value's JSON text.
const rawMember = "$json"

const (
	// maxPlainDepth is the nesting up to which values are kept as they are:
	// Postgres' own limit depends on its max_stack_depth.
	maxPlainDepth = 500
	// maxPlainDigits and maxPlainExponent bound the numbers that are kept as they
	// are. numeric takes more, but writes 1e400 as 401 digits: a list of such
	// numbers could be written, but never be read again.
	maxPlainDigits   = 1000
	maxPlainExponent = 30
)

// Name writes the name of a member as a part of a path.
func Name(name string) string {
	if name == "" {
		return `\e`
	}
	if !strings.ContainsAny(name, ".[\\\x00") {
		return name
	}
	return strings.NewReplacer(`\`, `\\`, `.`, `\.`, `[`, `\[`, "\x00", `\0`).Replace(name)
}

// JSON writes the members as an object for a jsonb column, in the order of
// their paths; "" when there are none.
func (m Members) JSON() string {
	if len(m) == 0 {
		return ""
	}
	var b strings.Builder
	separator := "{"
	for _, path := range slices.Sorted(maps.Keys(m)) {
		b.WriteString(separator)
		b.WriteString(quote(path))
		b.WriteString(":")
		b.WriteString(storable(m[path]))
		separator = ","
	}
	b.WriteString("}")
	return b.String()
}

// readMembers reads what JSON has written, also after Postgres has had it.
func readMembers(text string) (Members, error) {
	if text == "" {
		return nil, nil
	}
	var stored map[string]jsontext.Value
	if err := json.Unmarshal([]byte(text), &stored); err != nil {
		return nil, errors.New("members of a row are no JSON object") // err might quote them
	}
	members := make(Members, len(stored))
	for path, value := range stored {
		members[path] = string(value)
		if value.Kind() != jsontext.KindBeginObject {
			continue
		}
		var wrapped struct {
			Raw  *string                   `json:"$json"`
			More map[string]jsontext.Value `json:",embed"`
		}
		if err := json.Unmarshal(value, &wrapped); err == nil && wrapped.Raw != nil && len(wrapped.More) == 0 {
			members[path] = *wrapped.Raw
		}
	}
	return members, nil
}

// storable returns a JSON text in a form that jsonb holds without a loss.
func storable(raw string) string {
	if raw == "" {
		return "null"
	}
	if plain(raw) {
		return raw
	}
	return `{"` + rawMember + `":` + quote(raw) + `}`
}

// plain reports whether jsonb holds a JSON text as it is.
func plain(raw string) bool {
	if raw[0] == '"' && !strings.Contains(raw, `\`) {
		return utf8.ValidString(raw)
	}
	decoder := jsontext.NewDecoder(bytes.NewBufferString(raw)) // strict: half surrogates and repeated names fail
	for {
		token, err := decoder.ReadToken()
		switch {
		case errors.Is(err, io.EOF):
			return true
		case err != nil, decoder.StackDepth() > maxPlainDepth:
			return false
		}
		switch token.Kind() {
		case jsontext.KindString:
			// That a member has this name, a value may have too.
			if text := token.String(); text == rawMember || strings.IndexByte(text, 0) >= 0 {
				return false
			}
		case jsontext.KindNumber:
			if !plainNumber(token.String()) {
				return false
			}
		default: // any store takes the rest as it is
		}
	}
}

func plainNumber(text string) bool {
	if len(text) > maxPlainDigits {
		return false
	}
	at := exponentAt(text)
	if at < 0 {
		return true
	}
	exponent, err := strconv.Atoi(text[at+1:])
	return err == nil && exponent <= maxPlainExponent && exponent >= -maxPlainExponent
}

// exponentAt is where the exponent of a number begins, -1 where it has none.
func exponentAt(text string) int {
	for i := range len(text) {
		if text[i] == 'e' || text[i] == 'E' {
			return i
		}
	}
	return -1
}

// quote writes text as a JSON string.
func quote(text string) string {
	quoted, _ := jsontext.AppendQuote(nil, strings.ToValidUTF8(text, string(utf8.RuneError))) // fails for invalid UTF-8 only
	return string(quoted)
}

// step is one step of a path: into a member or, with a name "", an element.
type step struct {
	name    string
	element bool
	at      int
}

// errPath does not name the path, which may hold anything.
var errPath = errors.New("extra or source_form of a row holds a path that cannot be read")

// steps reads a path.
func steps(path string) ([]step, error) {
	var out []step
	for rest := path; rest != ""; {
		if rest[0] == '[' {
			text, after, found := strings.Cut(rest[1:], "]")
			at, err := strconv.Atoi(text)
			if !found || err != nil || at < 0 || len(out) == 0 {
				return nil, errPath
			}
			out, rest = append(out, step{element: true, at: at}), after
			continue
		}
		if len(out) > 0 {
			if rest[0] != '.' {
				return nil, errPath
			}
			rest = rest[1:]
		}
		var name string
		if name, rest = cutName(rest); name == "" {
			return nil, errPath
		}
		out = append(out, step{name: unescape(name)})
	}
	return out, nil
}

// cutName cuts the first name off a path, as it is written there.
func cutName(path string) (name, rest string) {
	for i := 0; i < len(path); i++ {
		switch path[i] {
		case '\\':
			i++
		case '.', '[':
			return path[:i], path[i:]
		}
	}
	return path, ""
}

func unescape(name string) string {
	if name == `\e` {
		return ""
	}
	if !strings.Contains(name, `\`) {
		return name
	}
	return strings.NewReplacer(`\\`, `\`, `\.`, `.`, `\[`, `[`, `\0`, "\x00").Replace(name)
}
