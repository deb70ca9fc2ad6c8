package config

import (
	"errors"
	"log/slog"
	"strings"
	"time"

	"casflow/internal/redact"
)

// maxUpload is the largest PDF that the API takes, 10 MB.
const maxUpload = 10 << 20

// API says how the CAS Parser API is called.
type API struct {
	// BaseURL is http or https. Defaults to https://api.casparser.in.
	BaseURL string `name:"api-base-url" env:"CASPARSER_BASE_URL" default:"https://api.casparser.in" help:"Base URL of the CAS Parser API."`
	// Key or KeyFile is required where the API is called, and only one of them.
	Key redact.Secret `name:"api-key" env:"CASPARSER_API_KEY" help:"API key. Prefer the variable or the file: flags show in the process list."`
	// KeyFile is the path of a file that holds the key; see KeySource.
	KeyFile string `name:"api-key-file" env:"CASPARSER_API_KEY_FILE" placeholder:"FILE" help:"File that holds the API key; read again when it changes, so that keys rotate without a restart."`
	// AllowSandbox accepts the sandbox key. Defaults to false.
	AllowSandbox bool `name:"api-allow-sandbox" env:"CASPARSER_ALLOW_SANDBOX" default:"false" help:"Accept the API's sandbox key, whose answers are canned."`
	// Auth is key or token. Defaults to key.
	Auth string `name:"api-auth" env:"CASPARSER_AUTH" default:"key" enum:"key,token" help:"What parse calls carry: the API key, or a token of an hour that is made with it and renewed early. Calls about the account carry the key."`
	// RatePerMinute is in calls per minute of the whole fleet. Defaults to 60; 0 is
	// no limit.
	RatePerMinute int `name:"api-rate-per-minute" env:"CASPARSER_RATE_PER_MINUTE" default:"60" help:"Calls per minute of all workers on this key together; 0 is no limit."`
	// Timeout is of one parse call. Defaults to 90s; at least 1s.
	Timeout time.Duration `name:"api-timeout" env:"CASPARSER_TIMEOUT" default:"90s" help:"Longest time of one parse call."`
	// MaxBodyBytes is in bytes. Defaults to 1,700,000; 0 sends all by link.
	MaxBodyBytes int64 `name:"api-max-body-bytes" env:"CASPARSER_MAX_BODY_BYTES" default:"1700000" help:"Larger PDFs go by presigned pdf_url."`
	// Upload is auto, multipart or url. Defaults to auto: by size.
	Upload string `name:"api-upload" env:"CASPARSER_UPLOAD" default:"auto" enum:"auto,multipart,url" help:"How PDFs go to the API: multipart, url (presigned pdf_url), or auto by size."`
	// FileField is the name of a multipart part. Defaults to file.
	FileField string `name:"api-file-field" env:"CASPARSER_FILE_FIELD" default:"file" help:"Name of the multipart part that holds the PDF."`
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (a API) Faults() error {
	faults := []error{checkEndpoint("CASPARSER_BASE_URL", "api-base-url", a.BaseURL)}
	add := func(variable, flag, format string, args ...any) {
		faults = append(faults, fault(variable, flag, format, args...))
	}
	if a.Key != "" && a.KeyFile != "" {
		add("CASPARSER_API_KEY", "api-key", "set, and CASPARSER_API_KEY_FILE (--api-key-file) too; give one of them")
	} else if _, err := a.KeySource(); err != nil {
		faults = append(faults, err)
	}
	if a.RatePerMinute < 0 {
		add("CASPARSER_RATE_PER_MINUTE", "api-rate-per-minute", "is %d; expected 0 (no limit) or more", a.RatePerMinute)
	}
	if a.Timeout < time.Second {
		add("CASPARSER_TIMEOUT", "api-timeout", "is %s; expected at least 1s", a.Timeout)
	}
	if a.MaxBodyBytes < 0 {
		add("CASPARSER_MAX_BODY_BYTES", "api-max-body-bytes", "is %d; expected 0 (all by link) or more", a.MaxBodyBytes)
	}
	if unfit := func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }; a.FileField == "" || strings.ContainsFunc(a.FileField, unfit) {
		add("CASPARSER_FILE_FIELD", "api-file-field", "is %s; expected a name without spaces and quotes, such as file or pdf_file", quote(a.FileField))
	}
	return errors.Join(faults...)
}

// AccessTokens tells whether calls of /v4/* carry an access token in the key's place.
func (a API) AccessTokens() bool { return a.Auth == "token" }

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
		slog.String("base_url", WithoutCredentials(redact.Secret(a.BaseURL))), slog.Any("key", a.Key), slog.String("key_file", a.KeyFile),
		slog.Bool("allow_sandbox", a.AllowSandbox), slog.String("auth", a.Auth), slog.Int("rate_per_minute", a.RatePerMinute), slog.Duration("timeout", a.Timeout),
		slog.Int64("max_body_bytes", a.MaxBodyBytes), slog.String("upload", a.Upload), slog.String("file_field", a.FileField))
}
