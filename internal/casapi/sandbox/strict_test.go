package sandbox

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// post is a call with a JSON body and the right key.
func post(path, body string) call {
	return call{method: http.MethodPost, path: path, key: testKey, contentType: jsonType, body: []byte(body)}
}

func decodeAnswer[T any](t *testing.T, got result) T {
	t.Helper()
	var answer T
	if err := json.Unmarshal(got.body, &answer); err != nil || got.status != http.StatusOK {
		t.Fatalf("status = %d, body = %s, error %v", got.status, got.body, err)
	}
	return answer
}

const (
	goodMailback = `{"email":"zed@example.invalid","from_date":"2025-04-01","to_date":"2025-04-30","password":"Open#77","pan_no":"ZZZPZ0000Z"}`
	goodFetch    = `{"pan":"ZZZPZ0000Z","bo_id":"1299990000004321","dob":"1980-01-31"}`
	goodConnect  = `{"redirect_uri":"https://app.example.invalid/back?x=1","state":"s-1","provider":"zoho"}`
)

// A request has the fields of the documentation, of their types, and nothing else.
func TestSandbox_Strict(t *testing.T) {
	t.Parallel()
	without := func(body, field string) string {
		var fields map[string]any
		if err := json.Unmarshal([]byte(body), &fields); err != nil {
			t.Fatal(err)
		}
		delete(fields, field)
		text, _ := json.Marshal(fields)
		return string(text)
	}
	with := func(body, field string, value any) string {
		var fields map[string]any
		if err := json.Unmarshal([]byte(body), &fields); err != nil {
			t.Fatal(err)
		}
		fields[field] = value
		text, _ := json.Marshal(fields)
		return string(text)
	}
	b := setup(t, Config{Credits: -1})
	inbox := b.api.ConnectInbox("gmail")
	verify := strings.Replace(CDSLVerify, "{session_id}", "S1", 1)
	tests := []struct{ path, body, names string }{
		{KFintechGenerate, without(goodMailback, "email"), "email"},
		{Generate, without(goodMailback, "password"), "password"},
		{KFintechGenerate, with(goodMailback, "email", "zed"), "email"},
		{KFintechGenerate, with(goodMailback, "email", 5), "email"},
		{KFintechGenerate, with(goodMailback, "from_date", "01-04-2025"), "from_date"},
		{KFintechGenerate, with(goodMailback, "to_date", "2025-02-30"), "to_date"},
		{KFintechGenerate, with(goodMailback, "to_date", "2025-03-31"), "to_date"},
		{KFintechGenerate, with(goodMailback, "pan_no", "zzzpz0000z"), "pan_no"},
		{Generate, with(goodMailback, "pan", "ZZZPZ0000Z"), "pan"},
		{KFintechGenerate, "", "email"},
		{KFintechGenerate, "[]", "JSON"},
		{KFintechGenerate, goodMailback + "{}", "JSON"},
		{CDSLFetch, without(goodFetch, "dob"), "dob"},
		{CDSLFetch, with(goodFetch, "bo_id", "129999000000432"), "bo_id"},
		{CDSLFetch, with(goodFetch, "bo_id", 1299990000004321), "bo_id"},
		{CDSLFetch, with(goodFetch, "pan", "ZZZP0000Z"), "pan"},
		{CDSLFetch, with(goodFetch, "dob", "2099-01-01"), "dob"},
		{CDSLFetch, with(goodFetch, "DOB", "1980-01-31"), "DOB"},
		{verify, `{}`, "otp"},
		{verify, `{"otp":123456}`, "otp"},
		{verify, `{"otp":"1","num_periods":"6"}`, "num_periods"},
		{verify, `{"otp":"1","num_periods":0}`, "num_periods"},
		{verify, `{"otp":"1","num_periods":25}`, "num_periods"},
		{InboxConnect, without(goodConnect, "redirect_uri"), "redirect_uri"},
		{InboxConnect, with(goodConnect, "redirect_uri", "app://back"), "redirect_uri"},
		{InboxConnect, with(goodConnect, "scope", "x"), "scope"},
		{InboxStatus, `{"email":"x"}`, "email"},
		{InboxDisconnect, `{"a":1}`, "a"},
		{InboxCAS, `{"cas_types":"cdsl"}`, "cas_types"},
		{InboxCAS, `{"cas_types":["CDSL"]}`, "cas_types"},
		{InboxCAS, `{"start_date":"2025-04-01T00:00:00Z"}`, "start_date"},
		{InboxCAS, `{"start_date":"2025-04-02","end_date":"2025-04-01"}`, "end_date"},
		{tokenPath, `{"expiry_minutes":0}`, "expiry_minutes"},
		{tokenPath, `{"expiry_minutes":61}`, "expiry_minutes"},
		{tokenPath, `{"expiry_minutes":"60"}`, "expiry_minutes"},
		{tokenPath, `{"minutes":5}`, "minutes"},
		{creditsPath, `{"a":1}`, "a"},
		{summaryPath, `{"limit":5}`, "limit"},
		{summaryPath, `{"start_time":"today"}`, "start_time"},
		{verifyTokenPath, `{"token":"x"}`, "token"},
	}
	for _, tt := range tests {
		got := b.mustSendInbox(t, post(tt.path, tt.body), inbox)
		f := got.failure(t)
		if got.status != http.StatusBadRequest || !strings.Contains(f.Msg+f.Detail, tt.names) {
			t.Errorf("%s %s: status = %d, body = %s, want 400 that names %s", tt.path, tt.body, got.status, got.body, tt.names)
		}
		if (f.Detail != "") != strings.HasPrefix(tt.path, "/v1/") {
			t.Errorf("%s: body = %s, want a detail of account paths alone", tt.path, got.body)
		}
	}
	for _, path := range []string{KFintechGenerate, InboxConnect, InboxCAS, summaryPath} {
		plain := post(path, `{"a":1}`)
		plain.contentType = "text/plain"
		if got := b.mustSendInbox(t, plain, inbox); got.status != http.StatusBadRequest || !strings.Contains(string(got.body), "Content-Type") {
			t.Errorf("%s as text: status = %d, body = %s, want 400", path, got.status, got.body)
		}
		if got := b.mustSendInbox(t, post(path, "{}").withKey(""), inbox); got.status != http.StatusUnauthorized {
			t.Errorf("%s without a key: status = %d, want 401", path, got.status)
		}
	}
	for _, path := range []string{InboxStatus, InboxCAS, InboxDisconnect} {
		if got := b.mustSend(t, post(path, "")); got.status != http.StatusBadRequest || !strings.Contains(string(got.body), "x-inbox-token") {
			t.Errorf("%s without a token: status = %d, body = %s, want 400 that names it", path, got.status, got.body)
		}
	}
	if got := b.api.Mailbacks(); len(got) != 0 {
		t.Errorf("mails = %+v, want none", got)
	}
}

// mustSendInbox sends a call with an inbox token.
func (b bench) mustSendInbox(t *testing.T, c call, token string) result {
	t.Helper()
	c.inbox = token
	return b.mustSend(t, c)
}
