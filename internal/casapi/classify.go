package casapi

import (
	"net/http"
	"regexp"
	"strings"
)

// The words that tell failures apart where the API gives no code. They are
// looked for in the code and the message together.
var (
	apiKeyWords = regexp.MustCompile(`(?i)\bx?[-_ ]?api[-_ ]?keys?\b`)
	planWords   = regexp.MustCompile(`(?i)\b(features?|plan|permissions?|subscription|upgrade|not enabled)\b`)
	tokenWords  = regexp.MustCompile(`(?i)\btoken\b`)
	creditWords = regexp.MustCompile(`(?i)\bquota\b|` +
		`\b(insufficient|not enough|no|zero|0|out of|ran out of|run out of|used up|exhausted)( \w+){0,2} credits?\b|` +
		`\bcredits?( \w+){0,3} (exhausted|used up|insufficient|exceeded|depleted|over|required)\b`)
	limitWords    = regexp.MustCompile(`(?i)\b(usage|monthly|plan|account|free|credit)( \w+){0,2} limit\b`)
	rateWords     = regexp.MustCompile(`(?i)\brate[-_ ]?limit|\btoo many requests\b|(\bper |/ ?)(second|minute|min)\b|\bthrottl`)
	passwordWords = regexp.MustCompile(`(?i)password|decrypt|encrypt`)
	sizeWords     = regexp.MustCompile(`(?i)\btoo (large|big)\b|\b(size|large)\b.*\b(limit|maximum|max|exceed\w*)\b|` +
		`\b(limit|maximum|max|exceed\w*)\b.*\bsize\b|\blarger than\b|\b(file|body|pdf) size\b`)
	notPDFWords      = regexp.MustCompile(`(?i)\b(not|isn't|no|invalid|corrupt\w*|damaged|malformed|broken)( an?| valid| the)* pdf\b|\bpdf\b.*\b(corrupt\w*|damaged|malformed|broken)\b`)
	unsupportedWords = regexp.MustCompile(`(?i)detect|unsupported|not supported|\bcas[-_ ]?type\b|\bnot an? (valid )?(cas|statement|contract note)\b|\bwrong (type|document|statement)\b`)
	parameterWords   = regexp.MustCompile(`(?i)\b(pdf_file|pdf_url|multipart|content-type|no file|file (is )?(required|missing)|missing file)\b`)
)

// classOfCode returns the class of a code the docs list, nil for any other. It
// takes precedence over everything else.
func classOfCode(code string) error {
	switch strings.ToUpper(strings.TrimSpace(code)) {
	case "INVALID_API_KEY", "TOKEN_EXPIRED":
		return ErrUnauthorized
	case "INSUFFICIENT_CREDITS":
		return ErrInsufficientCredits
	case "INVALID_PASSWORD":
		return ErrWrongPassword
	case "INVALID_PDF":
		return ErrNotPDF
	case "UNSUPPORTED_FORMAT":
		return ErrUnprocessable
	case "FILE_TOO_LARGE":
		return ErrTooLarge
	case "RATE_LIMITED":
		return ErrRateLimited
	case "PARSING_ERROR", codeTimeout:
		return ErrUnavailable
	}
	return nil
}

const codeTimeout = "TIMEOUT"

// classify decides what a failed answer means: by its code, then by words that
// name the account (whatever the status), then by the status, and where the
// API uses one status for several things, by the words of the message. Status
// is a 2xx where the API reported a failure as a success.
func classify(status int, code, message string) error {
	if class := classOfCode(code); class != nil {
		return class
	}
	words := strings.ReplaceAll(code, "_", " ") + " " + message
	if class := classOfAccount(status, words); class != nil {
		return class
	}
	switch {
	case status >= 200 && status < 300:
		return classOfDocument(words, ErrUnprocessable)
	case status == http.StatusBadRequest:
		if parameterWords.MatchString(words) {
			return ErrBadRequest
		}
		return classOfDocument(words, ErrBadRequest)
	case status == http.StatusUnprocessableEntity:
		return classOfDocument(words, ErrUnprocessable)
	}
	return classOfStatus(status)
}

// classOfStatus is the class of a status on its own. A redirect is never
// followed, since it would carry the key along; like a proxy that asks for
// credentials it stands in the way to the API rather than coming from it.
func classOfStatus(status int) error {
	switch status {
	case http.StatusUnauthorized:
		return ErrUnauthorized
	case http.StatusPaymentRequired:
		return ErrInsufficientCredits
	case http.StatusForbidden:
		return ErrForbidden
	case http.StatusNotFound, http.StatusGone:
		return ErrNotFound
	case http.StatusProxyAuthRequired, http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly:
		return ErrUnavailable
	case http.StatusRequestEntityTooLarge:
		return ErrTooLarge
	case http.StatusTooManyRequests:
		return ErrRateLimited
	}
	if status >= 400 && status < 500 {
		return ErrBadRequest
	}
	return ErrUnavailable
}

// classOfAccount recognizes a body that names the key, the quota or the
// credits. A limit per minute is the rate's, though it may say "quota" or for
// which API key it is.
func classOfAccount(status int, words string) error {
	rate := rateWords.MatchString(words)
	switch {
	case creditWords.MatchString(words) && (!rate || !hasPace(words)):
		return ErrInsufficientCredits
	case rate:
		return nil
	case apiKeyWords.MatchString(words):
		if status == http.StatusForbidden && planWords.MatchString(words) {
			return ErrForbidden
		}
		return ErrUnauthorized
	case status != http.StatusForbidden:
		return nil
	case limitWords.MatchString(words):
		return ErrInsufficientCredits
	case tokenWords.MatchString(words):
		return ErrUnauthorized
	}
	return nil
}

// hasPace tells "60 requests per minute" and "rate limit" from the mere "too
// many requests", which also goes with a quota that is used up.
func hasPace(words string) bool {
	words = strings.ToLower(words)
	return strings.Contains(words, "min") || strings.Contains(words, "second") || strings.Contains(words, "rate")
}

// classOfDocument reads the words of a failure that is the document's.
func classOfDocument(words string, otherwise error) error {
	switch {
	case passwordWords.MatchString(words):
		return ErrWrongPassword
	case sizeWords.MatchString(words):
		return ErrTooLarge
	case rateWords.MatchString(words):
		return ErrRateLimited
	case notPDFWords.MatchString(words):
		return ErrNotPDF
	case unsupportedWords.MatchString(words):
		return ErrUnprocessable
	}
	return otherwise
}
