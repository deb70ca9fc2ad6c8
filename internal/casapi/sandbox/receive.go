package sandbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
)

// maxTextBytes bounds a text part of a form.
const maxTextBytes = 64 << 10

// upload is the document of one call.
type upload struct {
	pdf       []byte
	sum       [32]byte
	password  string
	transport string
}

// form is what a request's body says, before it is judged.
type form struct {
	files     int    // how many files were sent
	pdf       []byte // of the last; at most maxPDFBytes+1
	url       string
	password  string
	transport string
}

var errMalformed = errors.New("malformed body")

// receive reads the request's body to its end, and the document that it names;
// refused is nil when there is one.
func (s *Sandbox) receive(w http.ResponseWriter, r *http.Request) (up upload, refused *answer) {
	if r.ContentLength > s.maxBodyBytes {
		return upload{}, edgeTooLarge()
	}
	body := http.MaxBytesReader(w, r.Body, s.maxBodyBytes)
	f, err := readForm(body, r.Header.Get("Content-Type"))
	if err == nil {
		// net/http notices that a client has gone only once the body is read.
		_, err = io.Copy(io.Discard, body)
	}
	switch {
	case tooLarge(err):
		return upload{}, edgeTooLarge()
	case err != nil:
		return upload{}, badRequest("The request body cannot be read")
	case f.files == 0 && f.url == "":
		return upload{}, badRequest("No file: send a file or pdf_url")
	case f.files > 1 || f.files == 1 && f.url != "":
		return upload{}, badRequest("More than one file: send a file or pdf_url, not both")
	}
	if f.url != "" {
		f.transport = TransportURL
		if f.pdf, err = s.fetch(r.Context(), f.url); err != nil {
			return upload{}, badRequest("The file at pdf_url cannot be fetched")
		}
	}
	if len(f.pdf) > maxPDFBytes {
		return upload{}, failed(http.StatusUnprocessableEntity, "FILE_TOO_LARGE", "File too large: at most 10 MB")
	}
	return upload{pdf: f.pdf, sum: sha256.Sum256(f.pdf), password: f.password, transport: f.transport}, nil
}

func badRequest(msg string) *answer { return failed(http.StatusBadRequest, "", msg) }

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
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return f, nil
		}
		if err != nil {
			return form{}, fmt.Errorf("next part: %w", err)
		}
		switch name := part.FormName(); {
		case (name == "file" || name == "pdf_file") && part.FileName() != "":
			f.files++
			f.pdf, err = readPart(part, maxPDFBytes)
		case name == "pdf_url":
			f.url, err = readText(part)
		case name == "password":
			f.password, err = readText(part)
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
	var fields struct {
		PDFFile  *string `json:"pdf_file"`
		PDFURL   string  `json:"pdf_url"`
		Password string  `json:"password"`
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return form{}, fmt.Errorf("content: %w", err)
	}
	if err := json.Unmarshal(text, &fields); err != nil {
		return form{}, fmt.Errorf("unmarshal: %w", err)
	}
	f := form{transport: TransportJSON, url: fields.PDFURL, password: fields.Password}
	if fields.PDFFile != nil {
		f.files = 1
		if f.pdf, err = base64.StdEncoding.DecodeString(*fields.PDFFile); err != nil {
			return form{}, fmt.Errorf("base64: %w", err)
		}
	}
	return f, nil
}

// fetch gets the PDF at a pdf_url, at most maxPDFBytes+1 of it. Its errors may
// hold the URL, credentials and all: they go no further than the caller.
func (s *Sandbox) fetch(ctx context.Context, address string) ([]byte, error) {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return nil, errMalformed
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	response, err := s.fetchClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetch: status %d", response.StatusCode)
	}
	var pdf bytes.Buffer
	if _, err := io.Copy(&pdf, io.LimitReader(response.Body, maxPDFBytes+1)); err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	return pdf.Bytes(), nil
}
