package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"casflow/internal/redact"
)

// sandboxKey is the key of the API's documented sandbox. It answers any PDF with
// the same canned statement, which must not be stored as somebody's real one.
const sandboxKey = "sandbox-with-json-responses"

// maxUpload is the largest PDF that the API takes, 10 MB.
const maxUpload = 10 << 20

// API says how the CAS Parser API is called.
type API struct {
	BaseURL       string        `name:"api-base-url" env:"CASPARSER_BASE_URL" default:"https://api.casparser.in" help:"Base URL of the CAS Parser API."`
	Key           redact.Secret `name:"api-key" env:"CASPARSER_API_KEY" help:"API key. Prefer the variable or the file: flags show in the process list."`
	KeyFile       string        `name:"api-key-file" env:"CASPARSER_API_KEY_FILE" help:"File that holds the API key; read again when it changes, so that keys rotate without a restart."`
	AllowSandbox  bool          `name:"api-allow-sandbox" env:"CASPARSER_ALLOW_SANDBOX" default:"false" help:"Accept the API's sandbox key, whose answers are canned."`
	RatePerMinute int           `name:"api-rate-per-minute" env:"CASPARSER_RATE_PER_MINUTE" default:"60" help:"Calls per minute of all workers on this key together; 0 is no limit."`
	Timeout       time.Duration `name:"api-timeout" env:"CASPARSER_TIMEOUT" default:"90s" help:"Longest time of one parse call."`
	MaxBodyBytes  int64         `name:"api-max-body-bytes" env:"CASPARSER_MAX_BODY_BYTES" default:"1700000" help:"Larger PDFs go by presigned pdf_url."`
	Upload        string        `name:"api-upload" env:"CASPARSER_UPLOAD" default:"auto" enum:"auto,multipart,url" help:"How PDFs go to the API: multipart, url (presigned pdf_url), or auto by size."`
	FileField     string        `name:"api-file-field" env:"CASPARSER_FILE_FIELD" default:"file" help:"Name of the multipart part that holds the PDF."`
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (a API) Faults() error {
	var faults []error
	add := func(variable, flag, format string, args ...any) {
		faults = append(faults, fault(variable, flag, format, args...))
	}
	if u, err := url.Parse(a.BaseURL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		add("CASPARSER_BASE_URL", "api-base-url", "not a URL with http or https and a host")
	}
	switch {
	case a.Key == "" && a.KeyFile == "":
		add("CASPARSER_API_KEY", "api-key", "not set, nor is CASPARSER_API_KEY_FILE; make a key in the API's dashboard")
	case a.Key != "" && a.KeyFile != "":
		add("CASPARSER_API_KEY", "api-key", "set, and CASPARSER_API_KEY_FILE too; give one of them")
	default:
		if _, err := a.KeySource(); err != nil {
			faults = append(faults, err)
		}
	}
	if a.RatePerMinute < 0 {
		add("CASPARSER_RATE_PER_MINUTE", "api-rate-per-minute", "is %d; expected 0 (no limit) or more", a.RatePerMinute)
	}
	if a.Timeout < time.Second {
		add("CASPARSER_TIMEOUT", "api-timeout", "is %s; expected at least 1s", a.Timeout)
	}
	if a.MaxBodyBytes < 0 {
		add("CASPARSER_MAX_BODY_BYTES", "api-max-body-bytes", "is %d; expected 0 or more", a.MaxBodyBytes)
	}
	if a.FileField == "" {
		add("CASPARSER_FILE_FIELD", "api-file-field", "is empty; the API takes file or pdf_file")
	}
	return errors.Join(faults...)
}

// UploadLimit is the size in bytes above which a PDF goes by link, and whether
// that is the only way for all.
func (a API) UploadLimit() (limit int64, oneWay bool) {
	switch a.Upload {
	case "multipart":
		return maxUpload, true
	case "url":
		return 0, true
	default:
		return a.MaxBodyBytes, false
	}
}

// LogValue shows the settings without the key.
func (a API) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("base_url", WithoutCredentials(redact.Secret(a.BaseURL))), slog.String("key_file", a.KeyFile),
		slog.Int("rate_per_minute", a.RatePerMinute), slog.Duration("timeout", a.Timeout),
		slog.Int64("max_body_bytes", a.MaxBodyBytes), slog.String("upload", a.Upload), slog.String("file_field", a.FileField))
}

// KeySource returns what gives the API key of the moment. A key file is looked
// at again at most once a second; one that becomes unreadable or empty leaves
// the last good key in use.
func (a API) KeySource() (func() redact.Secret, error) {
	if a.KeyFile == "" {
		if err := a.checkKey("CASPARSER_API_KEY (--api-key)", a.Key); err != nil {
			return nil, err
		}
		return func() redact.Secret { return a.Key }, nil
	}
	file := &keyFile{path: a.KeyFile}
	key, err := file.read()
	if err == nil {
		err = a.checkKey("the file of CASPARSER_API_KEY_FILE (--api-key-file)", key)
	}
	if err != nil {
		return nil, err
	}
	file.key = key
	return func() redact.Secret {
		return file.current(func(key redact.Secret) bool { return a.checkKey("", key) == nil })
	}, nil
}

func (a API) checkKey(source string, key redact.Secret) error {
	switch {
	case key == "":
		return fmt.Errorf("%s: is empty", source)
	case key == sandboxKey && !a.AllowSandbox:
		return fmt.Errorf("%s: is the sandbox key, whose canned answers would be stored as real statements; "+
			"set CASPARSER_ALLOW_SANDBOX=true if that is what you want", source)
	}
	return nil
}

// keyFile is a key in a file that may be replaced while the program runs.
type keyFile struct {
	path string

	mu      sync.Mutex
	key     redact.Secret
	checked time.Time
}

func (f *keyFile) read() (redact.Secret, error) {
	text, err := os.ReadFile(f.path)
	if err != nil {
		return "", fmt.Errorf("CASPARSER_API_KEY_FILE (--api-key-file): %w", err)
	}
	return redact.Secret(strings.TrimSpace(string(text))), nil
}

func (f *keyFile) current(good func(redact.Secret) bool) redact.Secret {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := time.Now(); now.Sub(f.checked) >= time.Second {
		f.checked = now
		if key, err := f.read(); err == nil && good(key) {
			f.key = key
		}
	}
	return f.key
}
