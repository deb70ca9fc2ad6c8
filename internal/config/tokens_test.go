package config

import (
	"encoding/base64"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/redact"
)

func TestTokens_Pairs(t *testing.T) {
	t.Parallel()
	want := []ServiceToken{{"billing", "geheim"}, {"crm", "geheim:2"}, {"billing", "geheim3"}}
	for name, tokens := range map[string]Tokens{
		"Commas": {Tokens: "billing:geheim,crm:geheim:2, billing:geheim3,"},
		"Lines":  {Tokens: "billing:geheim\ncrm:geheim:2\r\nbilling:geheim3\n"},
		"File":   {File: write(t, "billing:geheim\ncrm:geheim:2\n\nbilling:geheim3\n")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tokens.Pairs()
			if err != nil {
				t.Fatal(err)
			}
			reveal := cmp.Comparer(func(a, b redact.Secret) bool { return a.Reveal() == b.Reveal() })
			if diff := cmp.Diff(want, got, reveal); diff != "" {
				t.Errorf("Pairs() (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCallback_Secrets(t *testing.T) {
	t.Parallel()
	first, second := []byte("0123456789abcdef01234567"), []byte("0123456789abcdef0123456789abcdef")
	text := "whsec_" + base64.StdEncoding.EncodeToString(first) + ",\n whsec_" + base64.StdEncoding.EncodeToString(second) + "\n"
	for name, callback := range map[string]Callback{"Variable": {Secret: redact.Secret(text)}, "File": {SecretFile: write(t, text)}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := callback.Secrets()
			if err != nil || !cmp.Equal(got, [][]byte{first, second}) {
				t.Errorf("Secrets() = %q, %v, want both", got, err)
			}
		})
	}
	if got, err := (Callback{}).Secrets(); len(got) != 0 || err != nil {
		t.Errorf("Secrets() of none = %q, %v", got, err)
	}
}

func TestServe_Upload(t *testing.T) {
	t.Parallel()
	for address, want := range map[string][2]string{
		"": {}, "s3://b": {"b", ""}, "s3://b/": {"b", ""}, "s3://b/in": {"b", "in/"}, "s3://b/in/uploads/": {"b", "in/uploads/"},
	} {
		if bucket, prefix := (Serve{UploadTo: address}).Upload(); bucket != want[0] || prefix != want[1] {
			t.Errorf("%q is bucket %q, prefix %q, want %q", address, bucket, prefix, want)
		}
	}
}
