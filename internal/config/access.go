package config

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"casflow/internal/redact"
)

// APIAddress is where the API is.
type APIAddress struct {
	// BaseURL is http or https. Defaults to https://api.casparser.in.
	BaseURL string `name:"api-base-url" env:"CASPARSER_BASE_URL" default:"https://api.casparser.in" help:"Base URL of the CAS Parser API."`
}

// Faults reports what makes no sense; nil when all does.
func (a APIAddress) Faults() error {
	return checkEndpoint("CASPARSER_BASE_URL", "api-base-url", a.BaseURL)
}

// APIAccess is what a command needs to ask the API something. The key has no flag:
// flags show in the process list.
type APIAccess struct {
	APIAddress `embed:""`

	// KeyFile is the path of a file that holds the key. Without it, the variable
	// CASPARSER_API_KEY holds it.
	KeyFile string `name:"api-key-file" env:"CASPARSER_API_KEY_FILE" placeholder:"FILE" help:"File that holds the API key; or else the variable CASPARSER_API_KEY does."`
	// AllowSandbox accepts the sandbox key. Defaults to false.
	AllowSandbox bool `name:"api-allow-sandbox" env:"CASPARSER_ALLOW_SANDBOX" default:"false" help:"Accept the API's sandbox key, whose answers are canned."`
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (a APIAccess) Faults() error {
	_, err := a.KeySource()
	return errors.Join(a.APIAddress.Faults(), err)
}

// KeySource returns what gives the API key; see API.KeySource. The error is a fault
// of configuration.
func (a APIAccess) KeySource() (func() redact.Secret, error) {
	const variable = "CASPARSER_API_KEY"
	key := redact.Secret(strings.TrimSpace(os.Getenv(variable)))
	api := API{KeyFile: a.KeyFile, AllowSandbox: a.AllowSandbox}
	switch {
	case a.KeyFile == "":
		if err := api.checkKey(key); err != nil {
			return nil, fmt.Errorf("%s: %w", variable, err)
		}
		return func() redact.Secret { return key }, nil
	case key != "":
		return nil, errors.New(variable + ": set, and CASPARSER_API_KEY_FILE (--api-key-file) too; give one of them")
	}
	return api.KeySource()
}

// AccessToken is a token that is asked about. It has no flag for the same reason.
type AccessToken struct {
	// File is the path of a file that holds the token. Without it, the variable
	// CASPARSER_TOKEN holds it.
	File string `name:"token-file" env:"CASPARSER_TOKEN_FILE" placeholder:"FILE" help:"File that holds the access token; or else the variable CASPARSER_TOKEN does."`
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (t AccessToken) Faults() error {
	_, err := t.Secret()
	return err
}

// Secret is the token. The error is a fault of configuration and says nothing of it.
func (t AccessToken) Secret() (redact.Secret, error) {
	token, err := hidden("CASPARSER_TOKEN", "token-file", t.File)
	if err == nil && token == "" {
		err = errors.New("CASPARSER_TOKEN: not set, nor is CASPARSER_TOKEN_FILE (--token-file); make a token with: enqueuer account token")
	}
	return token, err
}
