package config

import (
	"strings"
	"testing"

	"casflow/internal/redact"
)

// These tests set the environment, so they are not parallel.

func TestAPIAccess_KeySource(t *testing.T) {
	at := APIAddress{"https://api.example"}
	for name, test := range map[string]struct {
		variable string
		access   APIAccess
		want     redact.Secret // "" with a fault
		says     string
	}{
		"Variable":   {variable: " live-1\n", access: APIAccess{APIAddress: at}, want: "live-1"},
		"File":       {access: APIAccess{APIAddress: at, KeyFile: write(t, "live-2\n")}, want: "live-2"},
		"None":       {access: APIAccess{APIAddress: at}, says: "CASPARSER_API_KEY: not set, nor is CASPARSER_API_KEY_FILE (--api-key-file)"},
		"Both":       {variable: "live-1", access: APIAccess{APIAddress: at, KeyFile: write(t, "live-2")}, says: "give one of them"},
		"Sandbox":    {variable: sandboxKey, access: APIAccess{APIAddress: at}, says: "CASPARSER_ALLOW_SANDBOX=true"},
		"Allowed":    {variable: sandboxKey, access: APIAccess{APIAddress: at, AllowSandbox: true}, want: sandboxKey},
		"NoFile":     {access: APIAccess{APIAddress: at, KeyFile: "/no/such/file"}, says: "CASPARSER_API_KEY_FILE (--api-key-file): is \"/no/such/file\", which cannot be read"},
		"BadBaseURL": {variable: "live-1", access: APIAccess{APIAddress: APIAddress{"api"}}, says: "CASPARSER_BASE_URL (--api-base-url)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("CASPARSER_API_KEY", test.variable)
			if err := test.access.Faults(); test.says != "" {
				if err == nil || !strings.Contains(err.Error(), test.says) {
					t.Errorf("err = %v, want one that says %q", err, test.says)
				}
				return
			} else if err != nil {
				t.Fatal(err)
			}
			source, err := test.access.KeySource()
			if err != nil {
				t.Fatal(err)
			}
			if got := source(); got != test.want {
				t.Errorf("key = %q, want %q", got.Reveal(), test.want.Reveal())
			}
		})
	}
}

func TestAccessToken_Secret(t *testing.T) {
	for name, test := range map[string]struct {
		variable string
		file     string
		want     redact.Secret
		says     string
	}{
		"Variable": {variable: "at_1\n", want: "at_1"},
		"File":     {file: write(t, "at_2\r\n"), want: "at_2"},
		"None":     {says: "CASPARSER_TOKEN: not set"},
		"Both":     {variable: "at_1", file: write(t, "at_2"), says: "give one of them"},
		"Empty":    {file: write(t, " "), says: "CASPARSER_TOKEN_FILE (--token-file): is"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("CASPARSER_TOKEN", test.variable)
			token := AccessToken{File: test.file}
			got, err := token.Secret()
			if got != test.want || (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("token = %q, %v, want %q and %q", got.Reveal(), err, test.want.Reveal(), test.says)
			}
			if (token.Faults() == nil) != (err == nil) {
				t.Errorf("Faults() = %v", token.Faults())
			}
		})
	}
}
