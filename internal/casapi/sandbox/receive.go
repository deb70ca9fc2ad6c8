package sandbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// upload is the document of one call.
type upload struct {
	pdf       []byte
	sum       [32]byte
	password  string
	broker    string // the broker_type of a contract note
	transport string
}

// receive reads the request's body to its end, and the document that it names;
// refused is nil when there is one. With the sandbox key, whose answers are canned,
// the body need only be well-formed.
func (s *Sandbox) receive(w http.ResponseWriter, r *http.Request, to route, canned bool) (up upload, refused *answer) {
	if r.ContentLength > s.maxBodyBytes {
		return upload{}, edgeTooLarge()
	}
	body := http.MaxBytesReader(w, r.Body, s.maxBodyBytes)
	f, err := readForm(body, r.Header.Get("Content-Type"))
	if err == nil {
		// net/http notices that a client has gone only once the body is read.
		_, err = io.Copy(io.Discard, body)
	}
	fault, isFault := errors.AsType[fieldError](err)
	switch {
	case tooLarge(err):
		return upload{}, edgeTooLarge()
	case isFault:
		return upload{}, badRequest(fault.Error())
	case err != nil:
		return upload{}, badRequest("The request body cannot be read")
	}
	if msg := f.check(to.want); msg != "" {
		return upload{}, badRequest(msg)
	}
	if canned {
		return upload{}, nil
	}
	return s.document(r.Context(), f, to.want)
}

// document is the document that a form names.
func (s *Sandbox) document(ctx context.Context, f form, want string) (up upload, refused *answer) {
	switch {
	case f.files == 0 && f.url == "":
		return upload{}, badRequest("No file: send a file or pdf_url")
	case f.files > 1 || f.files == 1 && f.url != "":
		return upload{}, badRequest("More than one file: send a file or pdf_url, not both")
	case want == contractNote && f.password == "":
		return upload{}, badRequest("Field required: password")
	}
	if f.url != "" {
		f.transport = TransportURL
		var err error
		if f.pdf, err = s.fetch(ctx, f.url); err != nil {
			return upload{}, badRequest("The file at pdf_url cannot be fetched")
		}
	}
	if len(f.pdf) > maxPDFBytes {
		return upload{}, failed(http.StatusUnprocessableEntity, "FILE_TOO_LARGE", "File too large: at most 10 MB")
	}
	return upload{pdf: f.pdf, sum: sha256.Sum256(f.pdf), password: f.password, broker: f.broker, transport: f.transport}, nil
}

// check says what a form has that the path does not take, "" for nothing.
func (f *form) check(want string) (msg string) {
	brokers := []string{"zerodha", "groww", "upstox", "icici"}
	switch {
	case want != contractNote && f.broker != "":
		return "Unknown field: broker_type"
	case want == contractNote && f.url != "":
		return "Unknown field: pdf_url is not for contract notes"
	case f.broker != "" && !slices.Contains(brokers, f.broker):
		return "Invalid field: broker_type is none of " + strings.Join(brokers, ", ")
	}
	return ""
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
