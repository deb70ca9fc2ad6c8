package casapi_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"mime/multipart"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"casflow/internal/casapi"
	"casflow/internal/redact"
)

func TestClient_Parse_Multipart(t *testing.T) {
	t.Parallel()
	type part struct{ Name, Filename, ContentType, Content string }
	type received struct {
		Method, Path, Key, RequestID, UserAgent string
		LengthFits                              bool
		Parts                                   []part
	}
	pdf := "%PDF-1.7\r\n--\r\n" + strings.Repeat("\x00\xff", 40000)
	tests := []struct {
		name    string
		change  func(*casapi.Config)
		request casapi.Request
		want    received
	}{
		{
			name: "Defaults",
			request: casapi.Request{
				Endpoint: casapi.SmartParse, RequestID: "req_Test0001", Password: testPassword,
				PDF: strings.NewReader(pdf), Size: int64(len(pdf)),
			},
			want: received{
				Path: "/v4/smart/parse", UserAgent: "casflow",
				Parts: []part{{Name: "password", Content: testPassword}, {"file", "statement.pdf", "application/pdf", pdf}},
			},
		},
		{
			name: "Changed",
			change: func(c *casapi.Config) {
				c.FileField, c.UserAgent = "pdf_file", "casflow/1.2"
			},
			request: casapi.Request{
				Endpoint: casapi.CAMSKFintechParse, RequestID: "req_Test0001", Filename: `in/"x"/ZZZPZ0000Z april.pdf`,
				PDF: iotest.OneByteReader(strings.NewReader(pdf)), Size: int64(len(pdf)),
			},
			want: received{
				Path: "/v4/cams_kfintech/parse", UserAgent: "casflow/1.2",
				Parts: []part{{"pdf_file", "ZZ_______Z_april.pdf", "application/pdf", pdf}},
			},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got received
			handler := func(w http.ResponseWriter, r *http.Request) {
				got = received{
					Method: r.Method, Path: r.URL.Path, Key: r.Header.Get("X-Api-Key"), RequestID: r.Header.Get("X-Request-Id"),
					UserAgent: r.UserAgent(),
				}
				counted := &counter{reader: r.Body}
				_, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
				if err != nil {
					t.Error(err)
				}
				form := multipart.NewReader(counted, parameters["boundary"])
				for {
					p, err := form.NextPart()
					if errors.Is(err, io.EOF) {
						break
					}
					if err != nil {
						t.Error(err)
						break
					}
					content, err := io.ReadAll(p)
					if err != nil {
						t.Error(err)
					}
					got.Parts = append(got.Parts, part{p.FormName(), p.FileName(), p.Header.Get("Content-Type"), string(content)})
				}
				_, _ = io.Copy(io.Discard, counted)
				got.LengthFits = counted.count.Load() == r.ContentLength
				answering(200, http.Header{"X-Request-Id": {"req_Answer"}, "X-Credits-Used": {"1.0"}, "X-Credits-Remaining": {"many"}}, unified)(w, r)
			}
			var changes []func(*casapi.Config)
			if test.change != nil {
				changes = append(changes, test.change)
			}
			answer, err := serve(t, handler, changes...).Parse(t.Context(), test.request)
			if err != nil {
				t.Fatal(err)
			}
			want := &casapi.Answer{Body: []byte(unified), StatusCode: 200, RequestID: "req_Answer", CreditsUsed: "1.0"}
			if diff := cmp.Diff(want, answer); diff != "" {
				t.Errorf("answer: -want +got:\n%s", diff)
			}
			test.want.Method, test.want.Key, test.want.RequestID, test.want.LengthFits = "POST", testKey, "req_Test0001", true
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("request: -want +got:\n%s", diff)
			}
		})
	}
}

func TestClient_Parse_URL(t *testing.T) {
	t.Parallel()
	link := "https://files.example.invalid/a.pdf?X-Amz-Signature=0123&x=<1>"
	var got map[string]string
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if contentType := r.Header.Get("Content-Type"); contentType != "application/json" {
			t.Errorf("got content type %q", contentType)
		}
		text, err := io.ReadAll(r.Body)
		if err != nil || int64(len(text)) != r.ContentLength {
			t.Errorf("read %d of %d bytes: %v", len(text), r.ContentLength, err)
		}
		if err := json.Unmarshal(text, &got); err != nil {
			t.Error(err)
		}
		answering(200, nil, `{"status":"success","data":`+unified+`}`)(w, r)
	})
	answer, err := client.Parse(t.Context(), casapi.Request{Endpoint: casapi.NSDLParse, URL: redact.Secret(link), Password: `"q"`})
	if err != nil {
		t.Fatal(err)
	}
	if answer.RequestID != "" || answer.CreditsUsed != "" {
		t.Errorf("got answer %+v", answer)
	}
	if diff := cmp.Diff(map[string]string{"pdf_url": link, "password": `"q"`}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// counter counts what was read through it.
type counter struct {
	reader io.Reader
	count  atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.reader.Read(p)
	c.count.Add(int64(n))
	return n, err
}

// zeros gives zeros without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestClient_Parse_Streams is not parallel, for it counts what the process
// allocates.
func TestClient_Parse_Streams(t *testing.T) { //nolint:paralleltest // see above
	const size, head = 256 << 20, 1 << 20
	pdf := &counter{reader: io.LimitReader(zeros{}, size)}
	var sent atomic.Int32
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.CopyN(io.Discard, r.Body, head); err != nil {
			t.Error(err)
		}
		// Only what the sockets hold can be ahead of us, whatever happens.
		if got := pdf.count.Load(); got > size/2 || sent.Load() != 0 {
			t.Errorf("%d bytes were read for %d received, sent %d times", got, head, sent.Load())
		}
		answering(200, nil, unified)(w, r)
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := client.Parse(t.Context(), casapi.Request{
		Endpoint: casapi.SmartParse, PDF: pdf, Size: size, Sent: func() { sent.Add(1) },
	})
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatal(err)
	}
	if got := sent.Load(); got != 1 {
		t.Errorf("Sent was called %d times", got)
	}
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 8<<20 {
		t.Errorf("allocated %d bytes for %d", allocated, size)
	}
}

func TestClient_Parse_Source(t *testing.T) {
	t.Parallel()
	const pdf = "%PDF-1.7 and so on"
	gone := fmt.Errorf("get object: %w", fs.ErrNotExist)
	tests := []struct {
		name  string
		pdf   io.Reader
		size  int64
		cause error
	}{
		{"FailsAtOnce", iotest.ErrReader(gone), 100, fs.ErrNotExist},
		{"FailsMidway", io.MultiReader(strings.NewReader(pdf), iotest.ErrReader(gone)), 100, fs.ErrNotExist},
		{"FailsAtItsEnd", io.MultiReader(strings.NewReader(pdf), iotest.ErrReader(gone)), int64(len(pdf)), fs.ErrNotExist},
		{"FailsLateAndLarge", io.MultiReader(io.LimitReader(zeros{}, 9<<20), iotest.ErrReader(gone)), 10 << 20, fs.ErrNotExist},
		{"TooShort", strings.NewReader(pdf), int64(len(pdf)) + 1, io.ErrUnexpectedEOF},
		{"TooLong", strings.NewReader(pdf), int64(len(pdf)) - 1, nil},
		{"WrappedEOF", iotest.ErrReader(fmt.Errorf("connection: %w", io.EOF)), int64(len(pdf)), io.EOF},
		{"NoProgress", io.MultiReader(strings.NewReader(pdf), stuck{}), int64(len(pdf)), io.ErrNoProgress},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var complete atomic.Bool
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if _, err := io.Copy(io.Discard, r.Body); err == nil {
					complete.Store(true)
				}
				w.WriteHeader(http.StatusBadRequest)
			})
			var sent atomic.Int32
			_, err := client.Parse(t.Context(), casapi.Request{
				Endpoint: casapi.SmartParse, PDF: test.pdf, Size: test.size, Sent: func() { sent.Add(1) },
			})
			assertFailed(t, err, casapi.ErrSource, test.cause, false)
			if complete.Load() {
				t.Error("the server got a complete request")
			}
			if got := sent.Load(); got != 1 {
				t.Errorf("Sent was called %d times", got)
			}
		})
	}
}

// stuck neither reads nor fails.
type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

// TestClient_Parse_RefusedEarly: an answer may come before the upload is
// through; it counts, and the PDF is left alone from then on.
func TestClient_Parse_RefusedEarly(t *testing.T) {
	t.Parallel()
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusGatewayTimeout)
		_ = http.NewResponseController(w).Flush()
	})
	var parsed atomic.Bool
	pdf := readerFunc(func(p []byte) (int, error) {
		if parsed.Load() {
			t.Error("the PDF is read after Parse has returned")
		}
		return zeros{}.Read(p)
	})
	_, err := client.Parse(t.Context(), casapi.Request{Endpoint: casapi.SmartParse, PDF: pdf, Size: 1 << 40})
	parsed.Store(true)
	assertFailed(t, err, casapi.ErrUnavailable, nil, false)
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
