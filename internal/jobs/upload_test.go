package jobs

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"casflow/internal/storage"
)

func TestReceiveUpload(t *testing.T) {
	t.Parallel()
	content := largePDF(100_000)
	upload, err := ReceiveUpload(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // S3 may ask for it again
		got, err := io.ReadAll(upload.Body())
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("Body() gives %d bytes, %v, want all %d", len(got), err, len(content))
		}
	}
	if upload.Size() != int64(len(content)) || upload.SHA256() != sha256.Sum256(content) {
		t.Errorf("size %d, sum %x, want those of the content", upload.Size(), upload.SHA256())
	}
	if err := upload.Close(); err != nil {
		t.Error(err)
	}
}

func TestReceiveUpload_Unfit(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body io.Reader
		want storage.Reason // "" is no *UnfitError
	}{
		"Empty":    {strings.NewReader(""), storage.ReasonNotAPDF},
		"Text":     {strings.NewReader("hello"), storage.ReasonNotAPDF},
		"TooLarge": {bytes.NewReader(largePDF(MaxPDFBytes + 1)), storage.ReasonTooLarge},
		"CutOff":   {io.MultiReader(bytes.NewReader(largePDF(5000)), iotest.ErrReader(io.ErrUnexpectedEOF)), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			upload, err := ReceiveUpload(test.body)
			if upload != nil || err == nil {
				t.Fatalf("ReceiveUpload() = %v, %v, want an error", upload, err)
			}
			unfit, ok := errors.AsType[*UnfitError](err)
			if ok != (test.want != "") || ok && unfit.Reason != test.want {
				t.Errorf("ReceiveUpload() = %v, want the reason %q", err, test.want)
			}
		})
	}
}
