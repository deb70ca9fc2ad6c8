package sandbox

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSandbox_Mailback(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{Credits: 1})
	for _, path := range []string{KFintechGenerate, Generate} {
		got := b.mustSend(t, post(path, goodMailback))
		if answer := decodeAnswer[notice](t, got); answer.Status != "success" || answer.Msg == "" || got.header.Get("X-Credits-Used") != "0.5" {
			t.Errorf("%s: %+v for %s credits", path, answer, got.header.Get("X-Credits-Used"))
		}
	}
	want := Mailback{Path: KFintechGenerate, Email: "zed@example.invalid", From: "2025-04-01", To: "2025-04-30", PAN: "ZZZPZ0000Z", Password: "Open#77"}
	if diff := cmp.Diff(want, b.api.Mailbacks()[0]); diff != "" {
		t.Errorf("mailback (-want +got):\n%s", diff)
	}
	if got := b.mustSend(t, post(Generate, goodMailback)); got.status != http.StatusPaymentRequired {
		t.Errorf("without credits: status = %d, want 402", got.status)
	}
}

func TestSandbox_CDSL(t *testing.T) {
	t.Parallel()
	clock := newFakeClock()
	b := setup(t, Config{Credits: 5, Clock: clock.Now, OTP: "998877"})
	type fetched struct {
		Status, Msg string
		ID          string `json:"session_id"`
	}
	begin := func() string {
		t.Helper()
		answer := decodeAnswer[fetched](t, b.mustSend(t, post(CDSLFetch, goodFetch)))
		if answer.Status != "success" || answer.ID == "" || answer.Msg == "" {
			t.Fatalf("answer = %+v", answer)
		}
		return strings.Replace(CDSLVerify, "{session_id}", answer.ID, 1)
	}
	first := begin()
	want := func(path, body string, status int, words string) {
		t.Helper()
		got := b.mustSend(t, post(path, body))
		if got.status != status || !strings.Contains(string(got.body), words) {
			t.Errorf("%s: status = %d, body = %s, want %d with %q", body, got.status, got.body, status, words)
		}
	}
	want(first, `{"otp":"123456"}`, 400, "Invalid OTP") // and may be tried again
	got := b.mustSend(t, post(first, `{"otp":"998877","num_periods":2}`))
	answer := decodeAnswer[struct {
		Status, Msg string
		Files       []file
	}](t, got)
	if len(answer.Files) != 2 || answer.Status != "success" || got.header.Get("X-Credits-Used") != "0.5" || got.header.Get("X-Credits-Remaining") != "4.5" {
		t.Fatalf("answer = %+v for %s credits", answer, got.header.Get("X-Credits-Used"))
	}
	want(first, `{"otp":"998877"}`, 404, "Session")
	want(strings.Replace(CDSLVerify, "{session_id}", "none", 1), `{"otp":"998877"}`, 404, "Session")

	// The files are parsed like any others, and are the person's own.
	pdf := b.download(t, answer.Files[1].URL, http.StatusOK)
	parsed := b.mustSend(t, formCall(part{"file", "x.pdf", string(pdf)}, part{"password", "", "ZZZPZ0000Z"}).at(CDSLParse))
	if parsed.status != http.StatusOK || !strings.Contains(string(parsed.body), `"pan":"ZZZPZ0000Z"`) || !strings.Contains(string(parsed.body), "2025-05-31") {
		t.Errorf("parse: status = %d, body = %.200s", parsed.status, parsed.body)
	}
	clock.Advance(cdslLinkLife)
	b.download(t, answer.Files[1].URL, http.StatusForbidden)
	b.download(t, b.url+"/files/none/a.pdf", http.StatusNotFound)

	second := begin()
	clock.Advance(otpLife)
	want(second, `{"otp":"998877"}`, 400, "OTP expired")
	clock.Advance(sessionLife - otpLife)
	want(second, `{"otp":"998877"}`, 404, "Session")
}

// download fetches a link, as anybody may.
func (b bench) download(t *testing.T, link string, want int) []byte {
	t.Helper()
	if !strings.HasPrefix(link, b.url) {
		t.Fatalf("the link does not lead back: %s", link)
	}
	got := b.mustSend(t, call{method: http.MethodGet, path: strings.TrimPrefix(link, b.url)})
	if got.status != want {
		t.Errorf("download: status = %d, want %d", got.status, want)
	}
	if want == http.StatusOK && got.header.Get("Content-Type") != pdfType {
		t.Errorf("Content-Type = %q", got.header.Get("Content-Type"))
	}
	return got.body
}

func TestSandbox_Inbox(t *testing.T) {
	t.Parallel()
	clock := newFakeClock()
	b := setup(t, Config{Credits: 1, Clock: clock.Now})
	token := b.connect(t, "")
	type status struct {
		Status    string
		Connected bool
		Provider  string
		Email     string
	}
	ask := func() status { return decodeAnswer[status](t, b.mustSendInbox(t, post(InboxStatus, ""), token)) }
	if got := ask(); got != (status{"success", true, "zoho", mailboxEmail}) {
		t.Errorf("status = %+v", got)
	}
	list := func(query string) []inboxFile {
		t.Helper()
		answer := decodeAnswer[struct {
			Status string
			Count  int
			Files  []inboxFile
		}](t, b.mustSendInbox(t, post(InboxCAS, query), token))
		if answer.Status != "success" || answer.Count != len(answer.Files) || answer.Files == nil {
			t.Errorf("answer = %+v", answer)
		}
		return answer.Files
	}
	recent := list("")
	if len(recent) != 3 || recent[0].CASType != "cdsl" || recent[2].CASType != "cams" {
		t.Fatalf("files = %+v, want three of the last month, newest first", recent)
	}
	f := recent[0]
	pdf := b.download(t, f.URL, http.StatusOK)
	if len(pdf) != f.Size || f.ExpiresIn != 86400 || f.MessageDate != "2026-03-29T23:30:00Z" || !strings.HasPrefix(f.Filename, "cdsl_2026-03-29_") {
		t.Errorf("file = %+v of %d bytes", f, len(pdf))
	}
	if again := list(`{"cas_types":["cdsl","kfintech"],"start_date":"2026-01-01","end_date":"2026-03-29"}`); len(again) != 2 || again[0].MessageID != f.MessageID || again[0].URL == f.URL {
		t.Errorf("files = %+v, want the same mail with a new link, and an older one", again)
	}
	clock.Advance(inboxLinkLife)
	b.download(t, f.URL, http.StatusForbidden)
	if got := b.mustSend(t, formCall(part{"file", "x.pdf", string(pdf)}, part{"password", "", MailboxPAN})); got.status != http.StatusPaymentRequired {
		t.Errorf("parse with 0.6 credits: status = %d, want 402", got.status)
	}
	b.api.SetCredits(1)
	if got := b.mustSend(t, formCall(part{"file", "x.pdf", string(pdf)}, part{"password", "", MailboxPAN})); got.status != http.StatusOK {
		t.Errorf("parse: status = %d: %s", got.status, got.body)
	}
	b.api.SetCredits(1)
	id := b.api.Deliver(token, "nsdl", nsdl(t, 1).pdf)
	if got := list(`{"cas_types":["nsdl"],"start_date":"2026-04-01"}`); len(got) != 1 || got[0].MessageID != id {
		t.Errorf("files = %+v, want the one that was delivered", got)
	}

	if got := b.mustSendInbox(t, post(InboxDisconnect, "{}"), token); decodeAnswer[notice](t, got).Status != "success" {
		t.Errorf("disconnect: %s", got.body)
	}
	if got := ask(); got.Connected {
		t.Errorf("status = %+v, want not connected", got)
	}
	revoked := func(path, credits string) {
		t.Helper()
		got := b.mustSendInbox(t, post(path, ""), token)
		if got.status != http.StatusUnauthorized || !strings.Contains(string(got.body), `"requires_reconnect":true`) || got.header.Get("X-Credits-Used") != credits {
			t.Errorf("%s: status = %d, body = %s, want 401 that asks to reconnect, for %s", path, got.status, got.body, credits)
		}
	}
	revoked(InboxDisconnect, "0.0")
	revoked(InboxCAS, "0.2") // billed even if it fails
	b.api.RevokeInbox(token)
	revoked(InboxStatus, "0.0")
}

// connect goes the way of a mailbox's owner and returns the inbox token.
func (b bench) connect(t *testing.T, query string) (token string) {
	t.Helper()
	answer := decodeAnswer[struct {
		Status    string
		OAuthURL  string `json:"oauth_url"`
		ExpiresIn int    `json:"expires_in"`
		Provider  string
	}](t, b.mustSend(t, post(InboxConnect, goodConnect)))
	if answer.Status != "success" || answer.ExpiresIn != 600 || answer.Provider != "zoho" {
		t.Errorf("answer = %+v", answer)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for i, want := range []int{http.StatusFound, http.StatusGone} { // it works once
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, answer.OAuthURL+query, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("consent: status = %d, want %d", response.StatusCode, want)
		}
		if i > 0 {
			continue
		}
		back, err := url.Parse(response.Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		values := back.Query()
		if back.Host != "app.example.invalid" || values.Get("x") != "1" || values.Get("state") != "s-1" {
			t.Errorf("sent back to %s", back)
		}
		if token = values.Get("inbox_token"); token == "" && values.Get("error") == "" || token != "" && values.Get("email") != mailboxEmail {
			t.Errorf("sent back to %s", back)
		}
	}
	return token
}

func TestSandbox_Inbox_Consent(t *testing.T) {
	t.Parallel()
	clock := newFakeClock()
	b := setup(t, Config{Clock: clock.Now})
	if token := b.connect(t, "?deny"); token != "" {
		t.Errorf("token = %q of an owner who refused", token)
	}
	answer := decodeAnswer[struct {
		OAuthURL string `json:"oauth_url"`
		Provider string
	}](t, b.mustSend(t, post(InboxConnect, `{"redirect_uri":"http://127.0.0.1/","provider":"hotmail"}`)))
	if answer.Provider != "gmail" {
		t.Errorf("provider = %q, want gmail for an unknown one", answer.Provider)
	}
	clock.Advance(10 * time.Minute)
	if got := b.mustSend(t, call{method: http.MethodGet, path: strings.TrimPrefix(answer.OAuthURL, b.url)}); got.status != http.StatusGone {
		t.Errorf("late consent: status = %d, want 410", got.status)
	}
}
