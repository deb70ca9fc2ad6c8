package storage_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"casflow/internal/redact"
	"casflow/internal/storage"
)

func newSealer(t *testing.T, fill byte) *storage.Sealer {
	t.Helper()
	sealer, err := storage.NewSealer(bytes.Repeat([]byte{fill}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return sealer
}

func TestSealer(t *testing.T) {
	t.Parallel()
	sealer, document := newSealer(t, 1), uuid.New()
	candidates := []redact.Secret{"ZZZPA0001Z", "second"}
	sealed, err := sealer.Passwords(document, candidates)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("ZZZPA0001Z")) {
		t.Error("the password stands in the seal in clear")
	}
	opened, err := sealer.OpenPasswords(document, sealed)
	if err != nil || len(opened) != 2 || opened[0].Reveal() != "ZZZPA0001Z" || opened[1].Reveal() != "second" {
		t.Fatalf("OpenPasswords() gave %d candidates, %v, want both in order", len(opened), err)
	}
	again, err := sealer.Passwords(document, candidates)
	if err != nil || bytes.Equal(sealed, again) {
		t.Errorf("sealing twice gave the same bytes (%v)", err)
	}
	damaged := bytes.Clone(sealed)
	damaged[len(damaged)-1] ^= 1
	for name, open := range map[string]func() error{
		"another document": func() error { _, err := sealer.OpenPasswords(uuid.New(), sealed); return err },
		"another key":      func() error { _, err := newSealer(t, 2).OpenPasswords(document, sealed); return err },
		"damaged":          func() error { _, err := sealer.OpenPasswords(document, damaged); return err },
		"cut off":          func() error { _, err := sealer.OpenPasswords(document, sealed[:5]); return err },
		"no key":           func() error { _, err := (*storage.Sealer)(nil).OpenPasswords(document, sealed); return err },
	} {
		if err := open(); !errors.Is(err, storage.ErrSealed) {
			t.Errorf("%s: %v, want ErrSealed", name, err)
		}
	}
}

func TestSealer_Nothing(t *testing.T) {
	t.Parallel()
	var none *storage.Sealer
	sealed, err := none.Passwords(uuid.New(), nil)
	if err != nil || sealed != nil {
		t.Errorf("sealing nothing without a key: %v, %v, want nothing", sealed, err)
	}
	if _, err := none.Passwords(uuid.New(), []redact.Secret{"x"}); err == nil {
		t.Error("sealing without a key succeeded")
	}
	opened, err := none.OpenPasswords(uuid.New(), nil)
	if diff := cmp.Diff([]redact.Secret(nil), opened); diff != "" || err != nil {
		t.Errorf("opening nothing: %v %s", err, diff)
	}
	if _, err := storage.NewSealer([]byte("short")); err == nil {
		t.Error("a short key was taken")
	}
}
