package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
)

// Config says where casflow is and who is calling.
type Config struct {
	// BaseURL is such as http://casflow:8080.
	BaseURL string
	// Token is this service's.
	Token string
	// HTTPClient makes the requests; nil is http.DefaultClient. A batch takes as long
	// as it takes: a Timeout of the client's bounds it too.
	HTTPClient *http.Client
}

// Client calls casflow. It is safe for concurrent use.
type Client struct {
	base  *url.URL
	token string
	http  *http.Client
}

// New makes a client. Nothing is sent.
func New(c Config) (*Client, error) {
	base, err := url.Parse(c.BaseURL)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, errors.New("casflow: the base URL is none: expected http://HOST:PORT or https://HOST")
	}
	if c.Token == "" {
		return nil, errors.New("casflow: no token")
	}
	if c.HTTPClient == nil {
		c.HTTPClient = http.DefaultClient
	}
	return &Client{base: base, token: c.Token, http: c.HTTPClient}, nil
}

// Submit submits a PDF that is in S3.
func (c *Client) Submit(ctx context.Context, submission Submission) (Submitted, error) {
	return call[Submitted](ctx, c, http.MethodPost, "/v1/documents", nil, submission)
}

// Document asks how a document stands. The error matches ErrNotFound where there is
// none.
func (c *Client) Document(ctx context.Context, id string) (Document, error) {
	return call[Document](ctx, c, http.MethodGet, "/v1/documents/"+url.PathEscape(id), nil, nil)
}

// Batch asks how the documents of a batch stand. The error matches ErrNotFound where
// there are none.
func (c *Client) Batch(ctx context.Context, name string) (Batch, error) {
	return call[Batch](ctx, c, http.MethodGet, "/v1/batches/"+url.PathEscape(name), nil, nil)
}

// DeadLetters lists dead letters, oldest first, page by page. After an error, which
// comes alone, it ends.
func (c *Client) DeadLetters(ctx context.Context, filter DeadFilter) iter.Seq2[DeadLetter, error] {
	return func(yield func(DeadLetter, error) bool) {
		query := url.Values{}
		for name, value := range map[string]string{"reason": filter.Reason, "batch": filter.Batch} {
			if value != "" {
				query.Set(name, value)
			}
		}
		for {
			page, err := call[DeadLetters](ctx, c, http.MethodGet, "/v1/dead-letters", query, nil)
			if err != nil {
				yield(DeadLetter{}, err)
				return
			}
			for _, letter := range page.DeadLetters {
				if !yield(letter, nil) {
					return
				}
			}
			if page.NextCursor == "" {
				return
			}
			query.Set("cursor", page.NextCursor)
		}
	}
}

// Redrive has dead documents tried again.
func (c *Client) Redrive(ctx context.Context, redrive Redrive) (Redriven, error) {
	return call[Redriven](ctx, c, http.MethodPost, "/v1/dead-letters:redrive", nil, redrive)
}

// call makes a request with a JSON body, unless that is nil, and reads the answer.
func call[T any](ctx context.Context, c *Client, method, path string, query url.Values, body any) (answer T, err error) {
	var reader io.Reader = http.NoBody
	contentType := ""
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return answer, fmt.Errorf("casflow: encode request: %w", err)
		}
		reader, contentType = bytes.NewReader(encoded), "application/json"
	}
	response, err := c.do(ctx, method, path, query, contentType, reader)
	if err != nil {
		return answer, err
	}
	defer func() { _ = response.Body.Close() }() // all of it that matters was read
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return answer, fmt.Errorf("casflow: read answer: %w", err)
	}
	return answer, nil
}

// do makes a request and returns its answer, whose body the caller closes, or the
// problem that it was answered with.
func (c *Client) do(ctx context.Context, method, path string, query url.Values, contentType string, body io.Reader) (*http.Response, error) {
	address := c.base.JoinPath(path)
	address.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, method, address.String(), body)
	if err != nil {
		return nil, fmt.Errorf("casflow: make request: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("casflow: %w", err)
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		defer func() { _ = response.Body.Close() }() // the problem was read
		return nil, readProblem(response)
	}
	return response, nil
}
