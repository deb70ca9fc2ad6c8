package casapi

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/textproto"
	"path"
	"strings"

	"casflow/internal/redact"
)

const (
	defaultFilename  = "statement.pdf"
	maxFilenameBytes = 100
)

// form is a multipart body before its PDF is in it. The PDF comes last and is
// streamed between prefix and suffix, so that a call in flight holds a few
// hundred bytes and not the document, and the length is known beforehand.
type form struct {
	prefix, suffix []byte
	contentType    string
}

func newForm(fileField string, request Request) (form, error) {
	var buffer bytes.Buffer
	writer := multipart.NewWriter(&buffer)
	for _, field := range [][2]string{{"password", request.Password.Reveal()}, {"broker_type", request.BrokerType}} {
		if field[1] == "" {
			continue
		}
		if err := writer.WriteField(field[0], field[1]); err != nil {
			return form{}, fmt.Errorf("write form: %w", err)
		}
	}
	header := textproto.MIMEHeader{}
	header.Set("Content-Disposition", multipart.FileContentDisposition(fileField, safeFilename(request.Filename, request.Password)))
	header.Set("Content-Type", "application/pdf")
	if _, err := writer.CreatePart(header); err != nil {
		return form{}, fmt.Errorf("write form: %w", err)
	}
	split := buffer.Len()
	if err := writer.Close(); err != nil {
		return form{}, fmt.Errorf("write form: %w", err)
	}
	return form{
		prefix:      buffer.Bytes()[:split],
		suffix:      buffer.Bytes()[split:],
		contentType: writer.FormDataContentType(),
	}, nil
}

// body puts the form round a PDF of the given size.
func (f form) body(pdf *source, size int64) *body {
	return newBody(
		io.MultiReader(bytes.NewReader(f.prefix), pdf, bytes.NewReader(f.suffix)),
		int64(len(f.prefix))+size+int64(len(f.suffix)),
		pdf,
	)
}

// safeFilename reduces a file name to its last element, plain characters and
// the suffix .pdf. A PAN or the password in it is masked: names end up in other
// people's logs.
func safeFilename(name string, password redact.Secret) string {
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".pdf"), ".PDF")
	name = redact.PANs(redact.Values(name, password))
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			return r
		}
		return '_'
	}, name)
	name = strings.TrimLeft(name, ".")
	if name == "" || name == "_" {
		return defaultFilename
	}
	return name[:min(len(name), maxFilenameBytes)] + ".pdf"
}
