package sandbox

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// files serves the PDFs by path.
func files(t *testing.T, byPath map[string][]byte) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, ok := byPath[r.URL.Path]
		if !ok || r.Header.Get("x-api-key") != "" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(content)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestSandbox_Parse_Transports(t *testing.T) {
	t.Parallel()
	c, n, m := cdsl(t, 1), nsdl(t, 2), mutual(t, 3)
	host := files(t, map[string][]byte{"/c.pdf": c.pdf})
	tests := map[string]struct {
		call      call
		of        statement
		transport string
	}{
		"File":      {c.upload(), c, "multipart"},
		"PDFFile":   {formCall(part{"password", "", c.password}, part{"pdf_file", "c.pdf", string(c.pdf)}), c, "multipart"},
		"Base64":    {jsonCall(map[string]any{"pdf_file": c.base64(), "password": c.password}), c, "json"},
		"NullURL":   {jsonCall(map[string]any{"pdf_file": c.base64(), "password": c.password, "pdf_url": nil}), c, "json"},
		"JSONURL":   {jsonCall(map[string]any{"pdf_url": host + "/c.pdf", "password": c.password}), c, "url"},
		"FormURL":   {formCall(part{"pdf_url", "", host + "/c.pdf"}, part{"password", "", c.password}), c, "url"},
		"CDSL":      {c.upload().at(CDSLParse), c, "multipart"},
		"NSDL":      {n.upload().at(NSDLParse), n, "multipart"},
		"SmartNSDL": {n.upload(), n, "multipart"},
		"Mutual":    {m.upload().at(CAMSKFintechParse), m, "multipart"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := newFakeClock()
			b := setup(t, Config{Credits: 5, Clock: clock.Now})
			got := b.mustSend(t, tt.call.withID("req_ABC"))
			if got.status != http.StatusOK {
				t.Fatalf("status = %d: %s", got.status, got.body)
			}
			if !bytes.Equal(got.body, tt.of.answer) {
				t.Errorf("body differs from the attachment: %d bytes, want %d", len(got.body), len(tt.of.answer))
			}
			for name, want := range map[string]string{
				"Content-Type":        "application/json",
				"X-Request-ID":        "req_ABC",
				"X-Credits-Used":      "1.0",
				"X-Credits-Remaining": "4.0",
			} {
				if got := got.header.Get(name); got != want {
					t.Errorf("%s = %q, want %q", name, got, want)
				}
			}
			want := []Call{{
				At: clock.Now(), RequestID: "req_ABC", Endpoint: tt.call.path, Status: http.StatusOK,
				SHA256: tt.of.sum(), Transport: tt.transport, Credits: Credit, Billed: true,
			}}
			if diff := cmp.Diff(want, b.api.Calls()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if got := b.api.Document(tt.of.sum()); got != (Count{Calls: 1, Billed: 1}) {
				t.Errorf("document = %+v, want one call, billed", got)
			}
			if got := b.api.Totals(); got != (Count{Calls: 1, Billed: 1}) {
				t.Errorf("totals = %+v, want one call, billed", got)
			}
		})
	}
}

func TestSandbox_Parse_Refusals(t *testing.T) {
	t.Parallel()
	c, n := cdsl(t, 1), nsdl(t, 2)
	bare, huge := barePDF(10), barePDF(maxPDFBytes)
	host := files(t, map[string][]byte{"/c.pdf": c.pdf, "/huge.pdf": huge})
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	file := func(content []byte) part { return part{"file", "s.pdf", string(content)} }
	password := part{"password", "", c.password}
	fromURL := func(address string) call {
		return jsonCall(map[string]any{"pdf_url": address, "password": c.password})
	}
	raw := func(contentType, body string) call {
		return call{method: http.MethodPost, path: SmartParse, key: testKey, contentType: contentType, body: []byte(body)}
	}
	const (
		badKey, tooLarge, unsupported = "INVALID_API_KEY", "FILE_TOO_LARGE", "UNSUPPORTED_FORMAT"
	)
	tests := map[string]struct {
		call   call
		status int
		code   string
		words  string // in msg, in any case
	}{
		"NoKey":           {c.upload().withKey(""), 401, badKey, "api key"},
		"WrongKey":        {c.upload().withKey(testKey + "x"), 401, badKey, "api key"},
		"NoFile":          {formCall(password), 400, "", "no file"},
		"FileWithoutName": {formCall(part{"file", "", string(c.pdf)}, password), 400, "", "no file"},
		"OtherName":       {formCall(part{"upload", "s.pdf", string(c.pdf)}, password), 400, "", "unknown field: \"upload\""},
		"Broker":          {formCall(file(c.pdf), password, part{"broker_type", "", "zerodha"}), 400, "", "unknown field: broker_type"},
		"URLTwice":        {formCall(file(c.pdf), part{"pdf_url", "", "a"}, part{"pdf_url", "", "b"}), 400, "", "repeated field: pdf_url"},
		"URLAsFile":       {formCall(part{"pdf_url", "s.pdf", "a"}), 400, "", "invalid field: pdf_url"},
		"JSONUnknown":     {jsonCall(map[string]any{"pdf_file": c.base64(), "file": "x"}), 400, "", "unknown field in the request body: file"},
		"JSONOtherCase":   {jsonCall(map[string]any{"PDF_file": c.base64()}), 400, "", "unknown field in the request body: pdf_file"},
		"TwoFiles":        {formCall(file(c.pdf), part{"pdf_file", "s.pdf", string(c.pdf)}, password), 400, "", "not both"},
		"FileAndURL":      {formCall(file(c.pdf), part{"pdf_url", "", host + "/c.pdf"}, password), 400, "", "not both"},
		"JSONBoth":        {jsonCall(map[string]any{"pdf_file": c.base64(), "pdf_url": host + "/c.pdf"}), 400, "", "not both"},
		"JSONNeither":     {jsonCall(map[string]any{"password": c.password}), 400, "", "no file"},
		"JSONMalformed":   {raw("application/json", `{"pdf_url":`), 400, "", "body"},
		"JSONWrongType":   {raw("application/json", `{"pdf_url":7}`), 400, "", "body"},
		"JSONTwice":       {raw("application/json", `{"pdf_url":""}{}`), 400, "", "body"},
		"JSONEmpty":       {raw("application/json", ""), 400, "", "body"},
		"NotBase64":       {jsonCall(map[string]any{"pdf_file": "JVBERi0$"}), 400, "", "body"},
		"NoContentType":   {raw("", string(c.pdf)), 400, "", "body"},
		"RawPDF":          {raw("application/pdf", string(c.pdf)), 400, "", "body"},
		"NoBoundary":      {raw("multipart/form-data", "--x--"), 400, "", "body"},
		"FormCutShort":    {raw("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nabc"), 400, "", "body"},
		"LongPassword":    {formCall(file(c.pdf), part{"password", "", strings.Repeat("x", maxTextBytes+1)}), 400, "", "body"},
		"URLNotFound":     {fromURL(host + "/none.pdf"), 400, "", "fetch"},
		"URLUnreachable":  {fromURL(closed.URL + "/c.pdf"), 400, "", "fetch"},
		"URLScheme":       {fromURL("file:///etc/hostname"), 400, "", "fetch"},
		"URLRelative":     {fromURL("/c.pdf"), 400, "", "fetch"},
		"URLTooLarge":     {fromURL(host + "/huge.pdf"), 422, tooLarge, "large"},
		"FileTooLarge":    {formCall(file(huge), password), 422, tooLarge, "large"},
		"EmptyFile":       {formCall(file(nil), password), 400, "", "invalid pdf"},
		"NotAPDF":         {formCall(file([]byte("PK\x03\x04 a zip file")), password), 400, "", "invalid pdf"},
		"OnlyAHeader":     {formCall(file([]byte("%PDF-1.7\n")), password), 400, "", "invalid pdf"},
		"Truncated":       {formCall(file(c.pdf[:len(c.pdf)/2]), password), 400, "", "invalid pdf"},
		"NoPassword":      {formCall(file(c.pdf)), 400, "", "password"},
		"EmptyPassword":   {jsonCall(map[string]any{"pdf_file": c.base64(), "password": ""}), 400, "", "password"},
		"WrongPassword":   {formCall(file(c.pdf), part{"password", "", "ZZZPX9999Q"}), 400, "", "password"},
		"LowerCase":       {formCall(file(c.pdf), part{"password", "", strings.ToLower(c.password)}), 400, "", "password"},
		"NothingAttached": {formCall(file(bare)), 422, unsupported, "unsupported"},
		"NSDLToCDSL":      {n.upload().at(CDSLParse), 400, "", "cas type"},
		"CDSLToNSDL":      {c.upload().at(NSDLParse), 400, "", "cas type"},
		"CDSLToMutual":    {c.upload().at(CAMSKFintechParse), 400, "", "cas type"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, Config{Credits: 5})
			got := b.mustSend(t, tt.call.withID("req_ABC"))
			if got.status != tt.status {
				t.Fatalf("status = %d, want %d: %s", got.status, tt.status, got.body)
			}
			f := got.failure(t)
			if f.Status != "failed" || f.Code != tt.code || !strings.Contains(strings.ToLower(f.Msg), tt.words) {
				t.Errorf("body = %+v, want failed, code %q and a msg with %q", f, tt.code, tt.words)
			}
			if tt.words != "password" && strings.Contains(strings.ToLower(f.Msg), "password") {
				t.Errorf("msg = %q speaks of a password", f.Msg)
			}
			for _, secret := range []string{c.password, "ZZZPX9999Q", host, testKey} {
				if bytes.Contains(got.body, []byte(secret)) {
					t.Errorf("body tells a secret: %s", got.body)
				}
			}
			if tt.status != http.StatusUnauthorized {
				if used, left := got.header.Get("X-Credits-Used"), got.header.Get("X-Credits-Remaining"); used != "0.0" || left != "5.0" {
					t.Errorf("credits used = %q, remaining = %q, want 0.0 and 5.0", used, left)
				}
			}
			calls := b.api.Calls()
			if len(calls) != 1 || calls[0].Status != tt.status || calls[0].Billed || calls[0].Credits != 0 || calls[0].RequestID != "req_ABC" {
				t.Errorf("calls = %+v, want one with status %d, not billed", calls, tt.status)
			}
			if got := b.api.Totals(); got != (Count{Calls: 1}) {
				t.Errorf("totals = %+v, want one call, not billed", got)
			}
		})
	}
}

func TestSandbox_Parse_FetchTimeout(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	b := setup(t, Config{Credits: -1, FetchClient: &http.Client{Timeout: time.Millisecond}})
	if got := b.mustSend(t, jsonCall(map[string]any{"pdf_url": server.URL})); got.status != http.StatusBadRequest {
		t.Errorf("status = %d, want 400", got.status)
	}
}
