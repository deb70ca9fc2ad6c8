package casapi

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Storable returns v as JSON that any JSON store takes: valid UTF-8, without
// NUL and half surrogates (they become U+FFFD), and with numbers beyond what
// Decimal reads as strings. What is no JSON becomes a string. Absent gives null.
func (v Value) Storable() string {
	if v == "" {
		return string(null)
	}
	var out bytes.Buffer
	encoder := jsontext.NewEncoder(&out, tolerant()...)
	// The check comes first, for copying would take two values, or none.
	if !jsontext.Value(v).IsValid(tolerant()...) || copyStorable(encoder, v) != nil {
		return quote(string(v))
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// Storable returns the members as one JSON object in the order of their names,
// each as Value.Storable gives it; "" when there are none.
func (e Extra) Storable() string {
	if len(e) == 0 {
		return ""
	}
	var b strings.Builder
	separator := "{"
	for _, name := range slices.Sorted(maps.Keys(e)) {
		b.WriteString(separator)
		b.WriteString(quote(name))
		b.WriteString(":")
		b.WriteString(e[name].Storable())
		separator = ","
	}
	b.WriteString("}")
	return b.String()
}

// copyStorable copies the one value that v holds, token by token.
func copyStorable(encoder *jsontext.Encoder, v Value) error {
	decoder := jsontext.NewDecoder(bytes.NewBufferString(string(v)), tolerant()...)
	for {
		token, err := decoder.ReadToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err //nolint:wrapcheck // only whether it failed matters
		}
		switch token.Kind() {
		case jsontext.KindString:
			token = jsontext.String(storableText(token.String()))
		case jsontext.KindNumber:
			if text := token.String(); !inReach(text) {
				token = jsontext.String(text)
			}
		default: // the rest any store takes as it is
		}
		if err := encoder.WriteToken(token); err != nil {
			return err //nolint:wrapcheck // as above
		}
	}
}

func storableText(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, string(utf8.RuneError)), "\x00", string(utf8.RuneError))
}

func quote(text string) string {
	quoted, _ := jsontext.AppendQuote(nil, storableText(text)) // fails for invalid UTF-8 only
	return string(quoted)
}
