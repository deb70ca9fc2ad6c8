package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/client"
	"casflow/internal/jobs"
	"casflow/internal/storage/objectstore"
)

// form is a multipart body: parts of NAME=VALUE, and files of the content that
// follows "file:".
func form(tb testing.TB, parts ...string) (body []byte, header string) {
	tb.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, part := range parts {
		var err error
		if content, isFile := strings.CutPrefix(part, "file:"); isFile {
			var file io.Writer
			if file, err = w.CreateFormFile("file", "../ZZZPA0001Z.pdf"); err == nil {
				_, err = io.WriteString(file, content)
			}
		} else {
			name, value, _ := strings.Cut(part, "=")
			err = w.WriteField(name, value)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes(), "Content-Type: " + w.FormDataContentType()
}

func (l *lab) upload(tb testing.TB, parts ...string) reply {
	tb.Helper()
	body, header := form(tb, parts...)
	return l.send(tb, http.MethodPost, "/v1/documents", bytes.NewReader(body), header)
}

func pdf(content string) string { return "%PDF-1.7 " + content }

func sumOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

func TestServer_PostUpload(t *testing.T) {
	t.Parallel()
	l := setup(t, nil)
	content := pdf(strings.Repeat("made up ", 200_000)) // more than fits into buffers
	key := "uploads/" + sumOf(content) + ".pdf"
	parts := []string{"kind=nsdl", "password=hush-1", "file:" + content, "batch=desk", "queue=bulk", "password=hush-2", "callback_url=" + callbackURL}
	first := wanted[client.Submitted](t, l.upload(t, parts...), http.StatusAccepted)
	info, err := l.Store.Head(t.Context(), objectstore.Ref{Bucket: l.bucket, Key: key})
	if err != nil || info.Size != int64(len(content)) {
		t.Fatalf("the object has %d bytes, %v, want %d", info.Size, err, len(content))
	}
	want := client.Submitted{DocumentID: idOf(info, "nsdl"), Status: "queued", New: true, Bucket: l.bucket, Key: key, Callback: true}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("first (-want +got):\n%s", diff)
	}
	row := []string{key, fmt.Sprint(len(content)), "nsdl", "bulk", "desk", callbackURL}
	if diff := cmp.Diff([][]string{row}, l.documents(t, "object_key, size_bytes, kind, queue, batch, callback_url")); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
	if got := l.passwords(t, first.DocumentID); got != "hush-1 hush-2" {
		t.Errorf("passwords are %q", got)
	}
	want.New = false
	if diff := cmp.Diff(want, wanted[client.Submitted](t, l.upload(t, parts...), http.StatusAccepted)); diff != "" {
		t.Errorf("again (-want +got):\n%s", diff)
	}
}

// TestServer_PostUpload_Key shows that a name which other content has is not taken
// away from it.
func TestServer_PostUpload_Key(t *testing.T) {
	t.Parallel()
	l := setup(t, nil)
	first := wanted[client.Submitted](t, l.upload(t, "key=2026/ZZZPA0001Z.pdf", "file:"+pdf("one")), http.StatusAccepted)
	if first.Key != "uploads/2026/ZZ*******Z.pdf" {
		t.Errorf("key is %q", first.Key)
	}
	again := wanted[client.Submitted](t, l.upload(t, "key=2026/ZZZPA0001Z.pdf", "file:"+pdf("one")), http.StatusAccepted)
	if again.DocumentID != first.DocumentID || again.New {
		t.Errorf("again: %+v, want the same document", again)
	}
	l.upload(t, "key=2026/ZZZPA0001Z.pdf", "file:"+pdf("two")).wantProblem(t, http.StatusConflict, "key")
	if got := l.documents(t, "object_key"); len(got) != 1 {
		t.Errorf("documents %v, want one", got)
	}
}

// TestServer_PostUpload_AtOnce shows that the same upload sent many times at once is
// one document.
func TestServer_PostUpload_AtOnce(t *testing.T) {
	t.Parallel()
	l := setup(t, nil)
	var group sync.WaitGroup
	news := make(chan bool, 8)
	for range cap(news) {
		group.Go(func() {
			news <- wanted[client.Submitted](t, l.upload(t, "file:"+pdf("same")), http.StatusAccepted).New
		})
	}
	group.Wait()
	close(news)
	n := 0
	for isNew := range news {
		if isNew {
			n++
		}
	}
	if got := l.documents(t, "object_key"); len(got) != 1 || n != 1 {
		t.Errorf("documents %v, %d of them new, want one", got, n)
	}
}

func TestServer_PostUpload_Bad(t *testing.T) {
	t.Parallel()
	l := setup(t, nil)
	good := "file:" + pdf("x")
	for name, test := range map[string]struct {
		parts  []string
		status int
		fields []string
		reason string
	}{
		"NoFile":     {[]string{"kind=cdsl"}, 400, []string{"file"}, ""},
		"TwoFiles":   {[]string{good, good}, 400, []string{"file"}, ""},
		"Unknown":    {[]string{good, "pages=1", "bucket=b"}, 400, []string{"pages", "bucket"}, ""},
		"Twice":      {[]string{"kind=cdsl", "kind=nsdl", good}, 400, []string{"kind"}, ""},
		"Kind":       {[]string{"kind=hush", good}, 400, []string{"kind"}, ""},
		"Broker":     {[]string{"kind=contract_note", "broker=hush", good}, 400, []string{"broker"}, ""},
		"LongField":  {[]string{"batch=" + strings.Repeat("x", 9000), good}, 400, []string{"batch", "batch"}, ""},
		"Zero":       {[]string{"key=a\x00b", good}, 400, []string{"key"}, ""},
		"Callback":   {[]string{good, "callback_url=http://billing.example/hush"}, 400, []string{"callback_url"}, ""},
		"NoPDF":      {[]string{"file:hello"}, 422, []string{"file"}, "not_a_pdf"},
		"EmptyFile":  {[]string{"file:"}, 422, []string{"file"}, "not_a_pdf"},
		"TooLarge":   {[]string{"file:" + pdf(strings.Repeat("x", jobs.MaxPDFBytes))}, 413, nil, "too_large"},
		"FieldFlood": {slicesOf("password="+strings.Repeat("x", 8000), 1400), 413, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if p := l.upload(t, test.parts...).wantProblem(t, test.status, test.fields...); p.Reason != test.reason {
				t.Errorf("reason is %q, want %q", p.Reason, test.reason)
			}
			if got := l.documents(t, "object_key"); len(got) != 0 {
				t.Errorf("%v are recorded", got)
			}
		})
	}
	t.Run("NoForm", func(t *testing.T) {
		t.Parallel()
		l.send(t, http.MethodPost, "/v1/documents", strings.NewReader("hush"), "Content-Type: multipart/form-data; boundary=x").
			wantProblem(t, http.StatusBadRequest, "file")
		l.send(t, http.MethodPost, "/v1/documents", strings.NewReader("hush"), "Content-Type: multipart/form-data").
			wantProblem(t, http.StatusBadRequest)
	})
}

func slicesOf(part string, n int) []string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = part
	}
	return parts
}

func TestServer_PostUpload_NotConfigured(t *testing.T) {
	t.Parallel()
	l := setup(t, func(c *Config) { c.UploadBucket = "" })
	l.upload(t, "file:"+pdf("x")).wantProblem(t, http.StatusNotImplemented)
}

// TestServer_PostUpload_CutOff shows that nothing is kept of an upload that breaks
// off.
func TestServer_PostUpload_CutOff(t *testing.T) {
	t.Parallel()
	l := setup(t, nil)
	body, header := form(t, "file:"+pdf(strings.Repeat("x", 100_000)))
	connection, err := net.Dial("tcp", strings.TrimPrefix(l.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(connection, "POST /v1/documents HTTP/1.1\r\nHost: casflow\r\nAuthorization: Bearer %s\r\n%s\r\nContent-Length: %d\r\n\r\n%s",
		token, header, len(body), body[:len(body)/2]); err != nil {
		t.Fatal(err)
	}
	if err := connection.Close(); err != nil {
		t.Fatal(err)
	}
	l.awaitServed(t, 1)
	if got := l.documents(t, "object_key"); len(got) != 0 {
		t.Errorf("%v are recorded", got)
	}
	for page, err := range l.Store.List(t.Context(), l.bucket, "") {
		if err != nil || len(page) != 0 {
			t.Errorf("the bucket holds %v, %v, want nothing", page, err)
		}
	}
}

// TestServer_PostUpload_Places shows that only so many uploads are received at once.
func TestServer_PostUpload_Places(t *testing.T) {
	t.Parallel()
	l := setup(t, func(c *Config) { c.MaxUploads = 1 })
	leave, err := l.limits.enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := l.upload(t, "file:"+pdf("x"))
	r.wantProblem(t, http.StatusServiceUnavailable)
	if r.header.Get("Retry-After") == "" {
		t.Error("it does not say when to come again")
	}
	leave()
	wanted[client.Submitted](t, l.upload(t, "file:"+pdf("x")), http.StatusAccepted)
}
