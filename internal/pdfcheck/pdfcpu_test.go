package pdfcheck_test

import (
	"bytes"
	"strconv"
	"testing"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"

	"casflow/internal/redact"
)

// encrypted encrypts the plain PDF with the library. The configuration is
// spelled out because its own default reads and writes a folder of the user's.
func encrypted(t *testing.T, aes bool, bits int, stream bool) []byte {
	t.Helper()
	var out bytes.Buffer
	err := api.Encrypt(bytes.NewReader(fixture(t, "plain.pdf")), &out, &model.Configuration{
		Reader15:         true,
		ValidationMode:   model.ValidationRelaxed,
		Eol:              "\n",
		WriteXRefStream:  stream,
		UserPW:           user.Reveal(),
		OwnerPW:          owner.Reveal(),
		EncryptUsingAES:  aes,
		EncryptKeyLength: bits,
		Permissions:      model.PermissionsAll,
		Offline:          true,
		Limits:           model.DefaultResourceLimits(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestCheck_Pdfcpu(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		aes  bool
		bits int
	}{
		"RC4-40": {false, 40}, "RC4-128": {false, 128}, "AES-128": {true, 128}, "AES-256": {true, 256},
	} {
		for _, stream := range []bool{false, true} {
			t.Run(name+"/"+strconv.FormatBool(stream), func(t *testing.T) {
				t.Parallel()
				pdf := encrypted(t, test.aes, test.bits, stream)
				expect(t, pdf, opens(1), other, user, owner)
				expect(t, pdf, opens(2), other, "", owner)
				expect(t, pdf, locked, []redact.Secret{other, "", "a b"}...)
			})
		}
	}
}
