package storage

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"casflow/internal/redact"
)

// ErrSealed means that something sealed cannot be opened: another key, another
// document, or damaged.
var ErrSealed = errors.New("sealed passwords cannot be opened: CASFLOW_SECRET_KEY is not the one they were sealed with, or they are damaged")

// Sealer keeps PDF passwords from being read in the database: AES-256-GCM under
// one key, each seal bound to its document so that it cannot be moved to
// another. A nil Sealer seals and opens nothing but emptiness.
type Sealer struct {
	aead cipher.AEAD
}

// sealVersion is the first byte of a seal, so that the scheme can change.
const sealVersion = 1

// NewSealer takes a key of 32 bytes.
func NewSealer(key []byte) (*Sealer, error) {
	if len(key) != 32 {
		return nil, fmt.Errorf("CASFLOW_SECRET_KEY has %d bytes, wanted 32; make one with: openssl rand -base64 32", len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("prepare cipher: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("prepare cipher: %w", err)
	}
	return &Sealer{aead: aead}, nil
}

// Passwords seals candidate passwords of a document, in the order they are to be
// tried. No candidates give nil.
func (s *Sealer) Passwords(document uuid.UUID, candidates []redact.Secret) ([]byte, error) {
	if len(candidates) == 0 {
		return nil, nil
	}
	if s == nil {
		return nil, errors.New("passwords were given but CASFLOW_SECRET_KEY is not set; make one with: openssl rand -base64 32")
	}
	plain := make([]string, len(candidates))
	for i, c := range candidates {
		plain[i] = c.Reveal()
	}
	text, err := json.Marshal(plain)
	if err != nil {
		return nil, fmt.Errorf("encode passwords: %w", err)
	}
	return s.Seal(document, text), nil
}

// Seal seals any content, bound to a document. A nil Sealer panics.
func (s *Sealer) Seal(document uuid.UUID, content []byte) []byte {
	sealed := make([]byte, 1+s.aead.NonceSize(), 1+s.aead.NonceSize()+len(content)+s.aead.Overhead())
	sealed[0] = sealVersion
	_, _ = rand.Read(sealed[1:]) // never fails: documented to abort the program instead

	return s.aead.Seal(sealed, sealed[1:], content, document[:]) //nolint:gosec // the nonce is the random one above
}

// Open gives the content of a seal back, or ErrSealed.
func (s *Sealer) Open(document uuid.UUID, sealed []byte) ([]byte, error) {
	nonce := 1 + s.aead.NonceSize()
	if len(sealed) < nonce || sealed[0] != sealVersion {
		return nil, ErrSealed
	}
	content, err := s.aead.Open(nil, sealed[1:nonce], sealed[nonce:], document[:])
	if err != nil {
		return nil, ErrSealed
	}
	return content, nil
}

// OpenPasswords gives the candidates back, or ErrSealed.
func (s *Sealer) OpenPasswords(document uuid.UUID, sealed []byte) ([]redact.Secret, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	if s == nil {
		return nil, fmt.Errorf("%w (no key is set)", ErrSealed)
	}
	text, err := s.Open(document, sealed)
	if err != nil {
		return nil, err
	}
	var candidates []redact.Secret
	if err := json.Unmarshal(text, &candidates); err != nil {
		return nil, ErrSealed
	}
	return candidates, nil
}
