package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"

	"casflow/internal/redact"
)

// SecretKey seals PDF passwords in the ledger.
type SecretKey struct {
	Key  redact.Secret `name:"secret-key" env:"CASFLOW_SECRET_KEY" help:"Base64 of 32 bytes that seal PDF passwords; make one with openssl rand -base64 32. Required as soon as a password is given."`
	File string        `name:"secret-key-file" env:"CASFLOW_SECRET_KEY_FILE" help:"File that holds the secret key."`
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (s SecretKey) Faults() error {
	_, err := s.Bytes()
	return err
}

// Bytes are the 32 bytes of the key, nil when none is set.
func (s SecretKey) Bytes() ([]byte, error) {
	const variable, flag = "CASFLOW_SECRET_KEY", "secret-key"
	text := s.Key.Reveal()
	switch {
	case s.Key != "" && s.File != "":
		return nil, fault(variable, flag, "set, and CASFLOW_SECRET_KEY_FILE too; give one of them")
	case s.File != "":
		content, err := os.ReadFile(s.File)
		if err != nil {
			return nil, fmt.Errorf("CASFLOW_SECRET_KEY_FILE (--secret-key-file): %w", err)
		}
		text = string(content)
	case s.Key == "":
		return nil, nil
	}
	key, err := decodeBase64(strings.TrimSpace(text))
	if err != nil {
		return nil, fault(variable, flag, "not base64; make one with: openssl rand -base64 32")
	}
	if len(key) != 32 {
		return nil, fault(variable, flag, "has %d bytes, expected 32; make one with: openssl rand -base64 32", len(key))
	}
	return key, nil
}

var errBase64 = errors.New("not base64")

// decodeBase64 takes the standard and the URL alphabet, padded or not.
func decodeBase64(text string) ([]byte, error) {
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	decoded, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil, errBase64 // the decoder's own error would say where it stumbled in the key
	}
	return decoded, nil
}
