package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"casflow/internal/redact"
)

func TestAPI_KeySource(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		api  API
		want redact.Secret // "" with fault
		says string
	}{
		"Key":            {api: API{Key: "live-1"}, want: "live-1"},
		"KeyWithNewline": {api: API{Key: "live-1\n"}, want: "live-1"},
		"File":           {api: API{KeyFile: write(t, "live-1\n")}, want: "live-1"},
		"FileWithCRLF":   {api: API{KeyFile: write(t, "live-1\r\n")}, want: "live-1"},
		"Sandbox":        {api: API{Key: sandboxKey}, says: "CASPARSER_ALLOW_SANDBOX=true"},
		"SandboxSpace":   {api: API{Key: sandboxKey + " "}, says: "CASPARSER_ALLOW_SANDBOX=true"},
		"SandboxFile":    {api: API{KeyFile: write(t, sandboxKey+"\n")}, says: "CASPARSER_API_KEY_FILE (--api-key-file): is the sandbox key"},
		"SandboxAllowed": {api: API{Key: sandboxKey, AllowSandbox: true}, want: sandboxKey},
		"TwoLines":       {api: API{KeyFile: write(t, "live-1\nlive-2\n")}, says: "holds a space"},
		"Directory":      {api: API{KeyFile: t.TempDir()}, says: "cannot be read (is a directory)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, err := test.api.KeySource()
			if test.says != "" {
				if err == nil || !strings.Contains(err.Error(), test.says) {
					t.Errorf("err = %v, want one that says %q", err, test.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := source(); got != test.want {
				t.Errorf("key = %q, want %q", got.Reveal(), test.want.Reveal())
			}
		})
	}
}

func TestAPI_KeySource_Rotation(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	synctest.Test(t, func(t *testing.T) {
		replace := func(content string) {
			t.Helper()
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		replace("live-1")
		source, err := API{KeyFile: path}.KeySource()
		if err != nil {
			t.Fatal(err)
		}
		expect := func(when string, want redact.Secret) {
			t.Helper()
			if got := source(); got != want {
				t.Errorf("key %s = %q, want %q", when, got.Reveal(), want.Reveal())
			}
		}
		replace("live-2") // as long as the one before, in the same instant
		expect("right away", "live-1")
		time.Sleep(keyFileAge) // of the bubble's clock
		expect("a second later", "live-2")

		for when, content := range map[string]string{"that is empty": "", "of the sandbox": sandboxKey, "that is none": "two words"} {
			replace(content)
			time.Sleep(keyFileAge)
			expect("after one "+when, "live-2")
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(keyFileAge)
		expect("after the file has gone", "live-2")
		replace("live-3")
		time.Sleep(keyFileAge)
		expect("after the file has come back", "live-3")
	})
}
