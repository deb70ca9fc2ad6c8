package enqueuercli_test

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"casflow/internal/redact"
	"casflow/internal/storage"
)

func newSealer(t *testing.T) *storage.Sealer {
	t.Helper()
	sealer, err := storage.NewSealer(secretBytes)
	if err != nil {
		t.Fatal(err)
	}
	return sealer
}

// passwords opens what is sealed in the ledger, by key; nil where nothing is.
func (l lab) passwords(t *testing.T) map[string][]string {
	t.Helper()
	sealer := newSealer(t)
	byKey := make(map[string][]string)
	for _, row := range l.documents(t, "object_key, document_id, coalesce(encode(sealed_passwords, 'hex'), '')") {
		sealed, err := hex.DecodeString(row[2])
		if err != nil {
			t.Fatal(err)
		}
		// It opens for its own document alone.
		candidates, err := sealer.OpenPasswords(uuid.MustParse(row[1]), sealed)
		if err != nil {
			t.Fatalf("%s: %v", row[0], err)
		}
		byKey[row[0]] = reveal(candidates)
	}
	return byKey
}

func reveal(secrets []redact.Secret) []string {
	var texts []string
	for _, secret := range secrets {
		texts = append(texts, secret.Reveal())
	}
	return texts
}

// manifest writes a file and returns the source that names it.
func manifest(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "manifest.csv")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return "manifest:" + file
}

func redactAll(texts ...string) []redact.Secret {
	var secrets []redact.Secret
	for _, text := range texts {
		secrets = append(secrets, redact.Secret(text))
	}
	return secrets
}

func TestScan_Passwords(t *testing.T) {
	t.Parallel()
	const key = "in/2025/" + hush + "-key_a.pdf"
	for _, test := range []struct {
		name    string
		sources []string
		want    []string
	}{
		{"environment", []string{"env:" + passwordVariable}, []string{envPassword}},
		{"metadata", []string{"metadata:Pdf-Password"}, []string{"hush-metadata"}},
		{"metadata as in the header", []string{"metadata:X-Amz-Meta-PDF-Password"}, []string{"hush-metadata"}},
		{"metadata of another name", []string{"metadata:other"}, nil},
		{"first group of the key", []string{`key:(hush-\w+)_`}, []string{"hush-key"}},
		{"match of the key", []string{`key:hush-\w{3}`}, []string{"hush-key"}},
		{"key that does not match", []string{`key:^hush`}, nil},
		{"group that takes no part", []string{`key:(x)?\.pdf`}, nil},
		{"manifest by whole key", []string{manifest(t, "key,password\n"+key+",hush-1\n")}, []string{"hush-1"}},
		{"manifest below the prefix", []string{manifest(t, "key,password\n2025/hush-key_a.pdf,hush-2\n")}, []string{"hush-2"}},
		{"manifest by name", []string{manifest(t, "key,password\nhush-key_a.pdf,hush-3\n")}, []string{"hush-3"}},
		{"manifest by the longest", []string{manifest(t, "key,password\nhush-key_a.pdf,hush-3\n"+key+",hush-1\n")}, []string{"hush-1"}},
		{"manifest by part of a name", []string{manifest(t, "key,password\na.pdf,hush-3\n")}, nil},
		{
			"manifest of a spreadsheet",
			[]string{manifest(t, "\ufeffName, Password ,KEY\r\nAsha,\"hush, \"\"quoted\"\"\","+key+"\r\nAsha,hush-5,"+key+"\r\nAsha,,"+key+"\r\n")},
			[]string{`hush, "quoted"`, "hush-5"},
		},
		{
			"several in order, each once",
			[]string{"metadata:pdf-password", "env:" + passwordVariable, `key:hush-metadata|hush-key`, "env:" + passwordVariable},
			[]string{"hush-metadata", envPassword, "hush-key"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := setup(t)
			l.putWith(t, key, "content", map[string]string{"pdf-password": "hush-metadata"})
			flags := []string{"--json", "--secret-key", secretKey}
			for _, source := range test.sources {
				flags = append(flags, "--password-from", source)
			}
			want := summary{Bucket: l.bucket, Prefix: "in/", Listed: 1, New: 1}
			if test.want == nil {
				want.WithoutPassword = 1
			}
			l.scan(t, "in/", flags...).wantSummary(t, want)
			if diff := cmp.Diff(map[string][]string{key: test.want}, l.passwords(t)); diff != "" {
				t.Errorf("passwords (-want +got):\n%s", diff)
			}
		})
	}
}

// Each object gets its own, not its neighbour's, and seals do not fit elsewhere.
func TestScan_PasswordsOfSeveral(t *testing.T) {
	t.Parallel()
	l := setup(t)
	for _, name := range []string{"a", "b", "c"} {
		l.putWith(t, name+".pdf", name, map[string]string{"pw": "hush-" + name})
	}
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(secretKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l.scan(t, "", "--secret-key-file", file, "--password-from", "metadata:pw").wantDone(t)
	want := map[string][]string{"a.pdf": {"hush-a"}, "b.pdf": {"hush-b"}, "c.pdf": {"hush-c"}}
	if diff := cmp.Diff(want, l.passwords(t)); diff != "" {
		t.Errorf("passwords (-want +got):\n%s", diff)
	}
	rows := l.documents(t, "document_id, encode(sealed_passwords, 'hex')")
	sealed, err := hex.DecodeString(rows[0][1])
	if err != nil {
		t.Fatal(err)
	}
	if got, err := newSealer(t).OpenPasswords(uuid.MustParse(rows[1][0]), sealed); err == nil {
		t.Errorf("what is sealed for one document opens for another: %d passwords", len(got))
	}
}
