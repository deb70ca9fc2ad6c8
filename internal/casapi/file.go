package casapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"casflow/internal/redact"
)

const (
	// filesEndpoint stands for the hosts of files in errors.
	filesEndpoint Endpoint = "file"

	fileTimeout    = 60 * time.Second
	maxFileBytes   = 10 << 20 // the largest PDF that the API takes
	maxFilesAnswer = 8 << 20
	maxFileHops    = 3 // redirects
	// headBytes is how far into a file its %PDF- may stand, as readers have it.
	headBytes = 1024
)

// File is a PDF that the API has a link to.
type File struct {
	Filename string // may hold a PAN
	URL      redact.Secret
	// Expires is when the link ends. Zero: unknown, as for the files of CDSL.
	Expires time.Time
}

// readFile reads what all files have; now is when their list was asked for.
func readFile(m members, now time.Time) File {
	return File{Filename: m.text("filename"), URL: redact.Secret(m.text("url")), Expires: m.expiry(now)}
}

// expiry is when what has an expires_in ends, the zero time for unknown.
func (m members) expiry(now time.Time) time.Time {
	life := m.seconds("expires_in")
	if life <= 0 {
		return time.Time{}
	}
	return now.Add(life)
}

// seconds reads whole seconds, 0 for unknown.
func (m members) seconds(name string) time.Duration {
	const most = 10 * 365 * 24 * 60 * 60
	n, err := strconv.Atoi(m.text(name))
	if err != nil || n < 0 || n > most {
		return 0
	}
	return time.Duration(n) * time.Second
}

// Download writes a file to into and returns its size. It takes links to the hosts
// of the API's files only, sends them no key, and nothing to a link that has expired
// (ErrNotFound, as for one that is gone). What does not begin like a PDF is
// ErrUnavailable: something else answered in the file's place. On an error, what was
// written is worthless. An error of into is returned as it is, wrapped.
func (c *Client) Download(ctx context.Context, file File, into io.Writer) (int64, error) {
	call := &call{endpoint: filesEndpoint, sanitizer: newSanitizer("", "", file.URL)}
	switch {
	case !c.servesFiles(file.URL.Reveal()):
		return 0, call.refuse(ErrBadRequest, "url does not lead to a host of the API's files")
	case !file.Expires.IsZero() && !time.Now().Before(file.Expires):
		return 0, call.refuse(ErrNotFound, "link has expired")
	}
	ctx, cancel := context.WithTimeout(ctx, fileTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, file.URL.Reveal(), http.NoBody)
	if err != nil {
		return 0, call.refuse(ErrBadRequest, "url is no URL")
	}
	request.Header.Set("User-Agent", c.userAgent)
	request.Header.Set("Accept-Encoding", "identity") // see newTransport
	response, err := c.files.Do(request)
	if err != nil {
		return 0, call.failed(ctx, err)
	}
	defer response.Body.Close() //nolint:errcheck // nothing can be done about it, nothing is lost
	if response.StatusCode != http.StatusOK {
		text, _, _ := readBody(response, maxErrorBody)
		failure := call.rejected(response.StatusCode, response.Header, readEnvelope(text), text)
		failure.Class = classOfFile(response.StatusCode)
		return 0, failure
	}
	return call.save(ctx, response, into)
}

// save writes the body of a file.
func (call *call) save(ctx context.Context, response *http.Response, into io.Writer) (int64, error) {
	failure := &Error{Endpoint: call.endpoint, StatusCode: response.StatusCode}
	head := make([]byte, headBytes)
	n, err := io.ReadFull(response.Body, head)
	head = head[:n]
	switch {
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF):
		return 0, call.failed(ctx, err)
	case response.ContentLength > maxFileBytes:
		failure.Class, failure.Message = ErrTooLarge, fmt.Sprintf("file of %d bytes", response.ContentLength)
		return 0, failure
	case !bytes.Contains(head, []byte("%PDF-")):
		failure.Class, failure.Message = ErrUnavailable, "what was answered is no PDF"
		return 0, failure
	}
	body := &tracked{reader: io.MultiReader(bytes.NewReader(head), response.Body)}
	written, err := io.Copy(into, io.LimitReader(body, maxFileBytes+1))
	switch {
	case err != nil && body.err != nil:
		return written, call.failed(ctx, body.err)
	case err != nil:
		return written, fmt.Errorf("write file: %w", err)
	case written > maxFileBytes:
		failure.Class, failure.Message = ErrTooLarge, fmt.Sprintf("file is larger than %d bytes", maxFileBytes)
		return written, failure
	case response.ContentLength >= 0 && written != response.ContentLength:
		failure.Class, failure.Message = ErrUnavailable, "file was cut off"
		return written, failure
	}
	return written, nil
}

// tracked keeps the error of a reader, to tell it from a writer's.
type tracked struct {
	reader io.Reader
	err    error
}

func (t *tracked) Read(p []byte) (int, error) {
	n, err := t.reader.Read(p)
	if err != nil && err != io.EOF {
		t.err = err
	}
	return n, err //nolint:wrapcheck // io.EOF must stay io.EOF
}

// classOfFile is what a status means where files are kept: a link that is over is
// mostly 403 there.
func classOfFile(status int) error {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusGone:
		return ErrNotFound
	}
	return classOfStatus(status)
}

// servesFiles reports whether a link leads to where the API keeps files: its own
// hosts, by https, the host of the base URL or one of Config.FileHosts.
func (c *Client) servesFiles(link string) bool {
	to, err := url.Parse(link)
	if err != nil || to.User != nil {
		return false
	}
	if base, err := url.Parse(c.base); err == nil && to.Scheme == base.Scheme && to.Host == base.Host {
		return true
	}
	host := strings.ToLower(to.Hostname())
	return to.Scheme == "https" && (strings.HasSuffix(host, ".casparser.in") || slices.Contains(c.fileHosts, host))
}

// followFiles lets a download be sent on, within the hosts of files.
func (c *Client) followFiles(request *http.Request, via []*http.Request) error {
	if len(via) > maxFileHops || !c.servesFiles(request.URL.String()) {
		return http.ErrUseLastResponse
	}
	return nil
}
