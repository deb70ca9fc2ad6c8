package config

import (
	"encoding/base64"
	"errors"
	"log/slog"
	"strings"

	"casflow/internal/redact"
)

// secretKeyLength is the length of a secret key in bytes.
const secretKeyLength = 32

// SecretKey seals PDF passwords in the ledger. At most one of its fields is set;
// without any, no password can be taken.
type SecretKey struct {
	// Key is base64 of 32 bytes, in the standard or the URL alphabet, padded or not.
	Key redact.Secret `name:"secret-key" env:"CASFLOW_SECRET_KEY" help:"Base64 of 32 bytes that seal PDF passwords; make one with openssl rand -base64 32. Required as soon as a password is given."`
	// File is the path of a file that holds such a text.
	File string `name:"secret-key-file" env:"CASFLOW_SECRET_KEY_FILE" placeholder:"FILE" help:"File that holds the secret key."`
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (s SecretKey) Faults() error {
	_, err := s.Bytes()
	return err
}

// Bytes are the 32 bytes of the key, nil when none is set. The error is a fault
// of configuration and says nothing of the key.
func (s SecretKey) Bytes() ([]byte, error) {
	const remedy = "make one with: openssl rand -base64 32"
	variable, flag, text, err := givenSecret("CASFLOW_SECRET_KEY", "secret-key", s.Key, s.File)
	if err != nil || text == "" {
		return nil, err
	}
	key, err := decodeBase64(text.Reveal())
	if err != nil {
		return nil, fault(variable, flag, "%w; %s", err, remedy)
	}
	if len(key) != secretKeyLength {
		return nil, fault(variable, flag, "has %d bytes, expected %d; %s", len(key), secretKeyLength, remedy)
	}
	return key, nil
}

// LogValue shows whether there is a key, and where.
func (s SecretKey) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("key", s.Key), slog.String("file", s.File))
}

var errBase64 = errors.New("is not base64")

// decodeBase64 takes the standard and the URL alphabet, padded or not.
func decodeBase64(text string) ([]byte, error) {
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	decoded, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil, errBase64 // the decoder's own error would say where it stumbled in the key
	}
	return decoded, nil
}
