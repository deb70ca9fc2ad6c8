package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"time"

	fastjson "github.com/go-json-experiment/json"

	"casflow/internal/samples"
	"casflow/internal/storage/objectstore"
)

// linked is an object with a link that is signed beforehand.
type linked struct{ link, password string }

func (s *stand) links(ctx context.Context, bucket string) ([]linked, error) {
	objects, err := s.keys(ctx, bucket)
	if err != nil {
		return nil, err
	}
	all := make([]linked, len(objects))
	for n, object := range objects {
		link, err := s.store.PresignGet(ctx, objectstore.Ref{Bucket: bucket, Key: object.Key}, time.Hour)
		if err != nil {
			return nil, err
		}
		all[n] = linked{link.Reveal(), passwordOf(object.Key)}
	}
	return all, nil
}

// httpClient keeps a connection for each of those at work.
func httpClient() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2 * connections, DisableCompression: true}}
}

// receive gets the body of an answer that is 200.
func receive(client *http.Client, request *http.Request) ([]byte, error) {
	response, err := client.Do(request) //nolint:gosec // to servers of the bench's own
	if err != nil {
		return nil, fmt.Errorf("ask: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	var body bytes.Buffer
	if response.ContentLength > 0 {
		body.Grow(int(response.ContentLength) + bytes.MinRead)
	}
	if _, err := io.Copy(&body, response.Body); err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d: %.200s", response.StatusCode, body.Bytes())
	}
	return body.Bytes(), nil
}

// fetch gets the PDF.
func (o linked) fetch(ctx context.Context, client *http.Client) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, o.link, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	return receive(client, request)
}

// parse sends a body to the API.
func (s *stand) parse(ctx context.Context, client *http.Client, body io.Reader, kind string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.settings.API+"/v4/smart/parse", body)
	if err != nil {
		return nil, fmt.Errorf("parse: %w", err)
	}
	request.Header.Set("X-Api-Key", apiKey)
	request.Header.Set("Content-Type", kind)
	return receive(client, request)
}

// exchange is what no program can do without: PDF from S3, to the API, and its
// answer read into structs.
func (s *stand) exchange(ctx context.Context, client *http.Client, o linked) error {
	pdf, err := o.fetch(ctx, client)
	if err != nil {
		return err
	}
	var body bytes.Buffer
	body.Grow(len(pdf) + 1024)
	form := multipart.NewWriter(&body)
	if err := form.WriteField("password", o.password); err != nil {
		return fmt.Errorf("write form: %w", err)
	}
	part, err := form.CreateFormFile("file", "statement.pdf")
	if err != nil {
		return fmt.Errorf("write form: %w", err)
	}
	if _, err := part.Write(pdf); err != nil {
		return fmt.Errorf("write form: %w", err)
	}
	if err := form.Close(); err != nil {
		return fmt.Errorf("write form: %w", err)
	}
	answer, err := s.parse(ctx, client, &body, form.FormDataContentType())
	if err != nil {
		return err
	}
	var statement samples.Statement
	if err := fastjson.Unmarshal(answer, &statement); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}

// exchangePlainly is exchange as it is written first: base64 in JSON, and maps.
func (s *stand) exchangePlainly(ctx context.Context, client *http.Client, o linked) error {
	pdf, err := o.fetch(ctx, client)
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]string{"pdf_file": base64.StdEncoding.EncodeToString(pdf), "password": o.password})
	if err != nil {
		return fmt.Errorf("write request: %w", err)
	}
	answer, err := s.parse(ctx, client, bytes.NewReader(body), "application/json")
	if err != nil {
		return err
	}
	var statement map[string]any
	if err := json.Unmarshal(answer, &statement); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}
