package sandbox

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
)

// maxTextBytes bounds a text part of a form, and the JSON of all calls but the
// parse calls.
const maxTextBytes = 64 << 10

// form is what the body of a parse call says, before it is judged.
type form struct {
	files     int    // how many files were sent
	pdf       []byte // of the last; at most maxPDFBytes+1
	url       string
	password  string
	broker    string
	transport string
}

var errMalformed = errors.New("malformed body")

func readForm(body io.Reader, contentType string) (form, error) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return form{}, fmt.Errorf("content type: %w", err)
	}
	switch kind {
	case "multipart/form-data":
		return readMultipart(multipart.NewReader(body, params["boundary"]))
	case jsonType:
		return readJSON(body)
	default:
		return form{}, errMalformed
	}
}

// readMultipart takes the file part under both names in use: the seed has "file",
// newer docs "pdf_file". A part is a file only if it has a file name, as web
// frameworks see it.
func readMultipart(parts *multipart.Reader) (form, error) {
	f := form{transport: TransportMultipart}
	texts := map[string]*string{"pdf_url": &f.url, "password": &f.password, "broker_type": &f.broker}
	seen := map[string]bool{}
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return f, nil
		}
		if err != nil {
			return form{}, fmt.Errorf("next part: %w", err)
		}
		name := part.FormName()
		text, isText := texts[name]
		switch isFile := part.FileName() != ""; {
		case name == "file" || name == "pdf_file":
			if !isFile {
				return form{}, fieldError("No file: " + name + " has no file name")
			}
			f.files++
			f.pdf, err = readPart(part, maxPDFBytes)
		case !isText:
			return form{}, fieldError(fmt.Sprintf("Unknown field: %.40q", name))
		case isFile:
			return form{}, fieldError("Invalid field: " + name + " is a file")
		case seen[name]:
			return form{}, fieldError("Repeated field: " + name)
		default:
			seen[name] = true
			*text, err = readText(part)
		}
		if err != nil {
			return form{}, fmt.Errorf("read part: %w", err)
		}
	}
}

// readPart reads one byte more than limit at most: the caller sees it is too long.
// The rest is passed over with the next part.
func readPart(part io.Reader, limit int64) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(part, limit+1))
	if err != nil {
		return nil, fmt.Errorf("content: %w", err)
	}
	return content, nil
}

func readText(part io.Reader) (string, error) {
	text, err := readPart(part, maxTextBytes)
	if err == nil && len(text) > maxTextBytes {
		err = errMalformed
	}
	return string(text), err
}

func readJSON(body io.Reader) (form, error) {
	text, err := io.ReadAll(body)
	if err != nil {
		return form{}, fmt.Errorf("content: %w", err)
	}
	var fields struct {
		PDFFile  *string `json:"pdf_file"`
		PDFURL   string  `json:"pdf_url"`
		Password string  `json:"password"`
		Broker   string  `json:"broker_type"`
	}
	if err := unmarshalStrict(text, &fields); err != nil {
		return form{}, err
	}
	f := form{transport: TransportJSON, url: fields.PDFURL, password: fields.Password, broker: fields.Broker}
	if fields.PDFFile != nil {
		f.files = 1
		if f.pdf, err = base64.StdEncoding.DecodeString(*fields.PDFFile); err != nil {
			return form{}, fieldError("Invalid field: pdf_file in the request body is not base64")
		}
	}
	return f, nil
}
