package casapi

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// BenchmarkMultipart writes the body of an upload of 40 KB.
func BenchmarkMultipart(b *testing.B) {
	pdf := make([]byte, 40_000)
	buffer := make([]byte, 32<<10)
	b.SetBytes(int64(len(pdf)))
	b.ReportAllocs()
	for b.Loop() {
		form, err := newForm("pdf_file", Request{Password: "ZZZPA0001Z", Filename: "statement.pdf"})
		if err != nil {
			b.Fatal(err)
		}
		body := form.body(newSource(bytes.NewReader(pdf), int64(len(pdf)), nil), int64(len(pdf)))
		for err == nil {
			_, err = body.Read(buffer)
		}
		if !errors.Is(err, io.EOF) || !body.taken.Load() {
			b.Fatal(err)
		}
	}
}
