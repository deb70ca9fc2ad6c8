package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime/multipart"
	"net/http"
)

// SubmitAll submits many PDFs in one request, which is far quicker than one by one.
// Results come in the order of the submissions, while these are still being read:
// at most some thousand are under way; they are read in a goroutine of its own. One that is refused fails none of the others.
// An error, which comes alone, ends it; submissions without a result by then are
// safe to be made again.
func (c *Client) SubmitAll(ctx context.Context, submissions iter.Seq[Submission]) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		response, err := c.stream(ctx, "/v1/documents:batch", "application/x-ndjson", func(w io.Writer) error {
			encoder := json.NewEncoder(w)
			for submission := range submissions {
				if err := encoder.Encode(submission); err != nil {
					return fmt.Errorf("send submission: %w", err)
				}
			}
			return nil
		})
		if err != nil {
			yield(Result{}, err)
			return
		}
		defer func() { _ = response.Body.Close() }() // ended, or not wanted any more
		for decoder := json.NewDecoder(response.Body); ; {
			var result Result
			switch err := decoder.Decode(&result); {
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				yield(Result{}, fmt.Errorf("casflow: read results: %w", err))
				return
			case !yield(result, nil):
				return
			}
		}
	}
}

// Upload is how a PDF is to be parsed that is sent along. Key is what it is to be
// called in S3, below the server's prefix; "" is a name made of its content.
type Upload struct {
	Key string
	Terms
}

// Upload sends a PDF, which goes to S3 from there.
func (c *Client) Upload(ctx context.Context, pdf io.Reader, upload Upload) (submitted Submitted, err error) {
	boundary := multipart.NewWriter(io.Discard).Boundary()
	response, err := c.stream(ctx, "/v1/documents", "multipart/form-data; boundary="+boundary, func(w io.Writer) error {
		return upload.write(w, boundary, pdf)
	})
	if err != nil {
		return Submitted{}, err
	}
	defer func() { _ = response.Body.Close() }() // all of it that matters was read
	if err := json.NewDecoder(response.Body).Decode(&submitted); err != nil {
		return Submitted{}, fmt.Errorf("casflow: read answer: %w", err)
	}
	return submitted, nil
}

func (u Upload) write(w io.Writer, boundary string, pdf io.Reader) error {
	form := multipart.NewWriter(w)
	if err := form.SetBoundary(boundary); err != nil {
		return fmt.Errorf("send upload: %w", err)
	}
	fields := [][2]string{{"key", u.Key}, {"kind", u.Kind}, {"broker", u.Broker}, {"queue", u.Queue}, {"batch", u.Batch}, {"callback_url", u.CallbackURL}}
	for _, password := range u.Passwords {
		fields = append(fields, [2]string{"password", password})
	}
	for _, field := range fields {
		if field[1] == "" {
			continue
		}
		if err := form.WriteField(field[0], field[1]); err != nil {
			return fmt.Errorf("send upload: %w", err)
		}
	}
	part, err := form.CreateFormFile("file", "statement.pdf")
	if err == nil {
		_, err = io.Copy(part, pdf)
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		return fmt.Errorf("send upload: %w", err)
	}
	return nil
}

// stream posts what write writes, while it writes, and returns the answer as soon
// as it begins.
func (c *Client) stream(ctx context.Context, path, contentType string, write func(io.Writer) error) (*http.Response, error) {
	reader, writer := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := write(writer)
		written <- err
		_ = writer.CloseWithError(err) // never fails, by its documentation; nil is the end of the body
	}()
	response, err := c.do(ctx, http.MethodPost, path, nil, contentType, reader)
	if err == nil {
		return response, nil
	}
	_ = reader.CloseWithError(io.ErrClosedPipe) // whoever still writes is told
	select {
	case fault := <-written:
		if fault != nil && !errors.Is(fault, io.ErrClosedPipe) {
			err = fmt.Errorf("casflow: %w", fault)
		}
	default: // still at it, so that it is not to blame
	}
	return nil, err
}
