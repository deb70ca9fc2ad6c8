package casapi

import (
	"html"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"casflow/internal/redact"
)

const (
	maxMessageBytes = 500 // of an Error's Message
	maxCodeBytes    = 64  // of an Error's Code
	maxIDBytes      = 128 // of a request id that comes back
)

var (
	// markup matches what HTML pages of proxies are made of. What a cut-off page
	// leaves open is open to its end.
	markup = regexp.MustCompile(`(?is)<script\b.*?(?:</script>|\z)|<style\b.*?(?:</style>|\z)|<!--.*?(?:-->|\z)|</?[a-z!?][^>]*(?:>|\z)`)
	// urlCredentials and urlQuery match what may give access in any URL.
	urlCredentials = regexp.MustCompile(`(://)[^/\s@"'<>]+@`)
	urlQuery       = regexp.MustCompile(`(?i)(https?://[^\s"'<>?]*\?)[^\s"'<>]+`)
	requestID      = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
)

// sanitizer makes text of the API, and of errors on the way to it, fit for
// logs. It holds the secrets of one call.
type sanitizer struct {
	secrets []redact.Secret
}

// newSanitizer takes the secrets of a call in every form in which they may
// come back: as they are, in another case, in a URL, in HTML or JSON that is
// quoted unread, and with their spaces folded. The longest come first, since
// one may contain another.
func newSanitizer(key, password, link redact.Secret) sanitizer {
	var s sanitizer
	s.add(link.Reveal())
	if parsed, err := url.Parse(link.Reveal()); err == nil {
		s.add(parsed.RequestURI())
		s.add(parsed.RawQuery)
	}
	s.add(key.Reveal())
	s.add(password.Reveal())
	s.add(strings.ToUpper(password.Reveal()))
	s.add(strings.ToLower(password.Reveal()))
	return s
}

func (s *sanitizer) add(text string) {
	if text == "" || text == "/" {
		return
	}
	inJSON, inASCII := quote(text), strconv.QuoteToASCII(text)
	for _, form := range []string{
		text, strings.Join(strings.Fields(text), " "), url.QueryEscape(text), html.EscapeString(text),
		inJSON[1 : len(inJSON)-1], inASCII[1 : len(inASCII)-1],
	} {
		s.secrets = append(s.secrets, redact.Secret(form))
	}
}

// message makes one line of at most 500 bytes.
func (s sanitizer) message(text string) string { return s.clean(text, maxMessageBytes) }

// code makes a code of at most 64 bytes.
func (s sanitizer) code(text string) string { return s.clean(text, maxCodeBytes) }

// requestID returns an id that came back, or "" for what cannot be one.
func (s sanitizer) requestID(text string) string {
	if len(text) > maxIDBytes || !requestID.MatchString(text) {
		return ""
	}
	return s.clean(text, maxIDBytes)
}

// clean redacts before it cuts, or a secret cut in two would be half visible.
func (s sanitizer) clean(text string, limit int) string {
	text = redact.Values(text, s.secrets...)
	text = plainText(text)
	text = redact.Values(text, s.secrets...)
	text = urlCredentials.ReplaceAllString(text, "${1}[redacted]@")
	text = urlQuery.ReplaceAllString(text, "${1}[redacted]")
	text = redact.PANs(text)
	return cut(text, limit)
}

// plainText strips markup, folds white space and drops what does not print.
func plainText(text string) string {
	text = strings.ToValidUTF8(text, string(utf8.RuneError))
	if strings.Contains(text, "<") {
		text = markup.ReplaceAllString(text, " ")
	}
	text = html.UnescapeString(text)
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.IsControl(r):
			return ' '
		case !unicode.IsGraphic(r):
			return -1
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
}

// cut shortens text to at most limit bytes, at a rune's boundary.
func cut(text string, limit int) string {
	const ellipsis = "…"
	if len(text) <= limit {
		return text
	}
	end := limit - len(ellipsis)
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + ellipsis
}
