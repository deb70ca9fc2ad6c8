package config

import (
	"errors"
	"strings"
	"sync"
	"time"

	"casflow/internal/redact"
)

// sandboxKey is the key of the API's documented sandbox. It answers any PDF with
// the same canned statement, which must not be stored as somebody's real one.
const sandboxKey = "sandbox-with-json-responses"

// keyFileAge is how long a key file is trusted before it is looked at again.
const keyFileAge = time.Second

// KeySource returns what gives the API key of the moment, safe for concurrent
// use. A key file is read again at most once a second, so a new key is in use
// within a second; one that becomes unreadable, empty or unfit leaves the last
// good key in use. The error is a fault of configuration.
func (a API) KeySource() (func() redact.Secret, error) {
	if a.KeyFile == "" {
		key := redact.Secret(strings.TrimSpace(a.Key.Reveal()))
		if err := a.checkKey(key); err != nil {
			return nil, fault("CASPARSER_API_KEY", "api-key", "%w", err)
		}
		return func() redact.Secret { return key }, nil
	}
	file := &keyFile{path: a.KeyFile, check: a.checkKey}
	if err := file.read(); err != nil {
		return nil, fault("CASPARSER_API_KEY_FILE", "api-key-file", "%w", err)
	}
	return file.current, nil
}

func (a API) checkKey(key redact.Secret) error {
	unfit := func(r rune) bool { return r <= ' ' || r > '~' }
	switch {
	case key == "":
		return errors.New("not set, nor is CASPARSER_API_KEY_FILE (--api-key-file); make a key in the API's dashboard")
	case key == sandboxKey && !a.AllowSandbox:
		return errors.New("is the sandbox key, whose canned answers would be stored as real statements; " +
			"give a key of your own, or set CASPARSER_ALLOW_SANDBOX=true (--api-allow-sandbox) if that is what you want")
	case strings.ContainsFunc(key.Reveal(), unfit):
		return errors.New("holds a space or another character that no key has; give the key alone")
	}
	return nil
}

// keyFile is a key in a file that may be replaced while the program runs. The
// file is read rather than its time compared: it is small, and two keys of the
// same length may be written within the resolution of a file's time.
type keyFile struct {
	path  string
	check func(redact.Secret) error

	mu    sync.Mutex
	key   redact.Secret // the last good one
	asked time.Time     // when the file was looked at last
}

// current is the key, as of a second ago at most.
func (f *keyFile) current() redact.Secret {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.asked) >= keyFileAge {
		_ = f.read() // the last good key serves on: a key file that is being replaced is no reason to stop
	}
	return f.key
}

func (f *keyFile) read() error {
	f.asked = time.Now()
	key, err := readSecretFile(f.path)
	if err != nil {
		return err
	}
	if err := f.check(key); err != nil {
		return err
	}
	f.key = key
	return nil
}
