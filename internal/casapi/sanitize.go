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
	values []redact.Secret
	link   redact.Secret
}

func newSanitizer(key, password, link redact.Secret) sanitizer {
	return sanitizer{values: []redact.Secret{key, password, redact.Secret(strings.ToUpper(password.Reveal())), redact.Secret(strings.ToLower(password.Reveal()))}, link: link}
}

func (s *sanitizer) add(text string) { s.values = append(s.values, redact.Secret(text)) }

// secrets are those of the call in every form in which they may come back: as they
// are, in another case, in a URL, in HTML or JSON that is quoted unread, and with
// their spaces folded. The longest come first, since one may contain another. They
// are made when they are needed: thousands of calls may wait for their answer.
func (s *sanitizer) secrets() []redact.Secret {
	all := appendForms(nil, s.link.Reveal())
	if parsed, err := url.Parse(s.link.Reveal()); err == nil {
		all = appendForms(all, parsed.RequestURI())
		all = appendForms(all, parsed.RawQuery)
	}
	for _, value := range s.values {
		all = appendForms(all, value.Reveal())
	}
	return all
}

func appendForms(all []redact.Secret, text string) []redact.Secret {
	if text == "" || text == "/" {
		return all
	}
	inJSON, inASCII := quote(text), strconv.QuoteToASCII(text)
	for _, form := range []string{
		text, strings.Join(strings.Fields(text), " "), url.QueryEscape(text), html.EscapeString(text),
		inJSON[1 : len(inJSON)-1], inASCII[1 : len(inASCII)-1],
	} {
		all = append(all, redact.Secret(form))
	}
	return all
}

// message makes one line of at most 500 bytes.
func (s *sanitizer) message(text string) string { return s.clean(text, maxMessageBytes) }

// code makes a code of at most 64 bytes.
func (s *sanitizer) code(text string) string { return s.clean(text, maxCodeBytes) }

// requestID returns an id that came back, or "" for what cannot be one.
func (s *sanitizer) requestID(text string) string {
	if len(text) > maxIDBytes || !requestID.MatchString(text) {
		return ""
	}
	return s.clean(text, maxIDBytes)
}

// clean redacts before it cuts, or a secret cut in two would be half visible.
func (s *sanitizer) clean(text string, limit int) string {
	secrets := s.secrets()
	text = redact.Values(text, secrets...)
	text = plainText(text)
	text = redact.Values(text, secrets...)
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
