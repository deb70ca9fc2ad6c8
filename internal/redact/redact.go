// Package redact keeps what must not be seen out of what people see: it masks
// PANs and known secrets in text, and holds secrets in a type that does not
// print. It imports nothing of casflow, so every package may use it.
package redact

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// placeholder stands wherever a secret would have been printed.
const placeholder = "[redacted]"

// Secret is a password, key, token or URL with credentials. Every way of
// printing, logging or marshalling it gives a placeholder (nothing, for the
// empty secret); Reveal gives the text.
type Secret string

// Reveal returns the secret itself, for the one place that needs it.
func (s Secret) Reveal() string { return string(s) }

// String returns a placeholder, or "" for the empty secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return placeholder
}

// Format prints the placeholder whatever the verb, %#v and %x included.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue makes slog print the placeholder.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText makes encoders (JSON among them) write the placeholder.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes the secret as it is, so that flags and environment
// variables can be read into it.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = Secret(text)
	return nil
}

// Values replaces every occurrence of each secret in text. Secrets shorter than
// four bytes are left alone: replacing them would only garble the text.
func Values(text string, secrets ...Secret) string {
	for _, secret := range secrets {
		if len(secret) >= 4 {
			text = strings.ReplaceAll(text, string(secret), placeholder)
		}
	}
	return text
}

// panLength is the length of a PAN: five letters, four digits, one letter.
const panLength = 10

// PANs masks every PAN in text, in upper or lower case, down to its first two
// and last characters: "ZZZPA0001Z" becomes "ZZ*******Z". Ten characters count
// as a PAN only where no letter or digit stands next to them, so hashes, UUIDs
// and request ids stay readable.
func PANs(text string) string {
	var masked []byte // nil until the first PAN is found: most texts have none
	for i := 0; i+panLength <= len(text); i++ {
		if !panAt(text, i) {
			continue
		}
		if masked == nil {
			masked = []byte(text)
		}
		for j := i + 2; j < i+panLength-1; j++ {
			masked[j] = '*'
		}
		i += panLength - 1
	}
	if masked == nil {
		return text
	}
	return string(masked)
}

func panAt(text string, at int) bool {
	if at > 0 && (isLetter(text[at-1]) || isDigit(text[at-1])) {
		return false
	}
	if end := at + panLength; end < len(text) && (isLetter(text[end]) || isDigit(text[end])) {
		return false
	}
	for i := range panLength {
		c := text[at+i]
		if digit := i >= 5 && i <= 8; digit != isDigit(c) || !digit && !isLetter(c) {
			return false
		}
	}
	return true
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
