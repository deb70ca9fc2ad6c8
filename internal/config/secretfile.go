package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"casflow/internal/redact"
)

// maxSecretFile is far more than a key takes, in bytes; a file beyond it is
// another one than was meant.
const maxSecretFile = 64 << 10

// readSecretFile reads a file that holds a secret and nothing else but space
// around it.
func readSecretFile(path string) (redact.Secret, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", unreadableFile(path, err)
	}
	text, err := io.ReadAll(io.LimitReader(file, maxSecretFile+1))
	if err := errors.Join(err, file.Close()); err != nil {
		return "", unreadableFile(path, err)
	}
	secret := redact.Secret(strings.TrimSpace(string(text)))
	switch {
	case len(text) > maxSecretFile:
		return "", fmt.Errorf("is %q, a file of more than %d KiB; give a file that holds the secret alone", path, maxSecretFile>>10)
	case secret == "":
		return "", fmt.Errorf("is %q, a file without text; give a file that holds the secret", path)
	}
	return secret, nil
}

func unreadableFile(path string, err error) error {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		err = at.Err // which path it was is said anyhow
	}
	return fmt.Errorf("is %q, which cannot be read (%w); give a file that holds the secret and that this program may read", path, err)
}
