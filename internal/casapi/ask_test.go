package casapi_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/casapi"
	"casflow/internal/redact"
)

// TestClient_Ask_Faults: whatever goes wrong is told apart, made once, and tells no
// secret.
func TestClient_Ask_Faults(t *testing.T) {
	t.Parallel()
	faults := []struct {
		name, body string
		status     int
		want       error
		lost       bool // the outcome is unknown, where there is one to be known
	}{
		{"BadRequest", `{"status":"failed","msg":"Invalid OTP for %s"}`, 400, casapi.ErrBadRequest, false},
		{"Detail", `{"detail":"Access tokens cannot be used for this endpoint %s"}`, 400, casapi.ErrBadRequest, false},
		{"Unauthorized", `{"status":"failed","code":"INVALID_API_KEY","msg":"Invalid API key %s"}`, 401, casapi.ErrUnauthorized, false},
		{"Credits", `{"status":"failed","msg":"Insufficient credits %s"}`, 402, casapi.ErrInsufficientCredits, false},
		{"Plan", `{"message":"Feature not in your plan %s"}`, 403, casapi.ErrForbidden, false},
		{"RateLimited", ``, 429, casapi.ErrRateLimited, false},
		{"ServerError", `{"status":"failed","msg":"boom %s"}`, 500, casapi.ErrUnavailable, false},
		{"GatewayTimeout", `{"code":"TIMEOUT"}`, 504, casapi.ErrUnavailable, true},
		{"Page", `<html>%s</html>`, 200, casapi.ErrUnavailable, true},
		{"CutOff", `{"status":"success","session_id":"`, 200, casapi.ErrUnavailable, true},
		{"Failed", `{"status":"failed","msg":"Captcha failed for %s"}`, 200, casapi.ErrUnprocessable, false},
		{"Other", `{"portfolio":"%s"}`, 200, casapi.ErrBadAnswer, false},
		{"Array", `["%s"]`, 200, casapi.ErrBadAnswer, false},
		{"TooLarge", `{"x":"` + strings.Repeat("y", 9<<20) + `"}`, 200, casapi.ErrBadAnswer, true},
	}
	for _, test := range retrievals() {
		for _, fault := range faults {
			t.Run(test.name+"/"+fault.name, func(t *testing.T) {
				t.Parallel()
				calls := 0
				client := serve(t, func(w http.ResponseWriter, r *http.Request) {
					calls++
					answering(fault.status, nil, strings.ReplaceAll(fault.body, "%s", testKey+" "+testPAN))(w, r)
				})
				_, err := test.call(t.Context(), client)
				assertFailed(t, err, fault.want, nil, fault.lost && test.acts)
				if calls != 1 {
					t.Errorf("%d requests, want one", calls)
				}
				if path := strings.Replace(test.path, "Session.1", "{session_id}", 1); !strings.HasPrefix(err.Error(), path+": ") {
					t.Errorf("%v: does not begin with %s", err, path)
				}
				for _, secret := range []string{testKey, testPAN} {
					if strings.Contains(err.Error(), secret) {
						t.Errorf("tells a secret: %v", err)
					}
				}
			})
		}
	}
}

// TestClient_Ask_Secrets: none of the secrets that a call sends is in its error.
func TestClient_Ask_Secrets(t *testing.T) {
	t.Parallel()
	sent := map[string][]string{
		"Generate": {testPassword, testPAN, "zed@example.invalid"}, "CDSLFetch": {testPAN, testBOID}, "CDSLVerify": {"Session.1", "0123"},
		"InboxStatus": {testInbox}, "InboxFiles": {testInbox}, "InboxDisconnect": {testInbox},
	}
	for _, test := range retrievals() {
		told := append(slices.Clone(sent[test.name]), testKey)
		_, err := test.call(t.Context(), serve(t, answering(400, nil, `{"msg":"For `+strings.Join(told, "; ")+`!"}`)))
		for _, secret := range told {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s tells %q: %v", test.name, secret, err)
			}
		}
	}
}

// TestClient_Ask_Timeout: each call has a time of its own.
func TestClient_Ask_Timeout(t *testing.T) {
	t.Parallel()
	for _, test := range retrievals() {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := newClient(t, func(c *casapi.Config) { c.Transport, c.Timeout = silent(), 20*time.Second })
				begin := time.Now()
				_, err := test.call(t.Context(), client)
				assertFailed(t, err, casapi.ErrUnavailable, context.DeadlineExceeded, test.acts)
				if waited := time.Since(begin); waited != test.timeout {
					t.Errorf("gave up after %v, want %v", waited, test.timeout)
				}
			})
		})
	}
}

// TestClient_Ask_Fault: a request that is wrong in itself is not sent, and the error
// names the field.
func TestClient_Ask_Fault(t *testing.T) {
	t.Parallel()
	mailback := func(change func(*casapi.MailbackRequest)) func(*casapi.Client) error {
		return func(c *casapi.Client) error {
			request := goodMailback()
			change(&request)
			_, err := c.Generate(t.Context(), request)
			return err
		}
	}
	fetch := func(pan, boID, dob string) func(*casapi.Client) error {
		return func(c *casapi.Client) error {
			_, err := c.CDSLFetch(t.Context(), casapi.CDSLFetchRequest{PAN: pan, BOID: boID, DateOfBirth: dob})
			return err
		}
	}
	verify := func(session, otp redact.Secret, periods int) func(*casapi.Client) error {
		return func(c *casapi.Client) error {
			_, err := c.CDSLVerify(t.Context(), casapi.CDSLVerifyRequest{SessionID: session, OTP: otp, Periods: periods})
			return err
		}
	}
	files := func(token redact.Secret, query casapi.InboxQuery) func(*casapi.Client) error {
		return func(c *casapi.Client) error {
			_, err := c.InboxFiles(t.Context(), token, query)
			return err
		}
	}
	tests := []struct {
		want string
		call func(*casapi.Client) error
	}{
		{"email is not an e-mail address like name@example.com", mailback(func(r *casapi.MailbackRequest) { r.Email = "zed" })},
		{"email is not an e-mail address like name@example.com", mailback(func(r *casapi.MailbackRequest) { r.Email = "Zed <zed@example.invalid>" })},
		{"from_date is not a date like 2025-04-30", mailback(func(r *casapi.MailbackRequest) { r.From = "" })},
		{"to_date is not a date like 2025-04-30", mailback(func(r *casapi.MailbackRequest) { r.To = "2025-02-30" })},
		{"to_date is not on or after from_date", mailback(func(r *casapi.MailbackRequest) { r.To = "2025-03-31" })},
		{"password is missing", mailback(func(r *casapi.MailbackRequest) { r.Password = "" })},
		{"a field is not valid UTF-8", mailback(func(r *casapi.MailbackRequest) { r.Password = "\xff\xfe" })},
		{"pan_no is not a PAN: five letters, four digits, a letter, in capitals", mailback(func(r *casapi.MailbackRequest) { r.PAN = "zzzpz0000z" })},
		{"pan is not a PAN: five letters, four digits, a letter, in capitals", fetch("ZZZPZ0000", testBOID, "1980-01-31")},
		{"bo_id is not 16 digits", fetch(testPAN, "12999900-00004321", "1980-01-31")},
		{"dob is not a date like 2025-04-30", fetch(testPAN, testBOID, "31-01-1980")},
		{"dob is not in the past", fetch(testPAN, testBOID, "2999-01-31")},
		{"session_id is not letters, digits and ._~-", verify("", "123456", 0)},
		{"session_id is not letters, digits and ._~-", verify("a/../../v1/token", "123456", 0)},
		{"otp is not four to eight digits", verify("S1", "12 34", 0)},
		{"num_periods is not 0 (as many as the API gives) or more", verify("S1", "123456", -1)},
		{"redirect_uri is not an absolute http or https URL", func(c *casapi.Client) error {
			_, err := c.InboxConnect(t.Context(), casapi.InboxConnectRequest{RedirectURI: "app://back"})
			return err
		}},
		{"provider is not one of gmail, outlook, zoho", func(c *casapi.Client) error {
			_, err := c.InboxConnect(t.Context(), casapi.InboxConnectRequest{RedirectURI: "http://127.0.0.1/", Provider: "Gmail"})
			return err
		}},
		{"x-inbox-token is missing", func(c *casapi.Client) error {
			_, err := c.InboxStatus(t.Context(), "")
			return err
		}},
		{"inbox token has characters that no header can hold", func(c *casapi.Client) error {
			_, err := c.InboxDisconnect(t.Context(), "a\nb")
			return err
		}},
		{"x-inbox-token is missing", files("", casapi.InboxQuery{})},
		{"start_date is not a date like 2025-04-30", files(testInbox, casapi.InboxQuery{Start: "2025-04-1"})},
		{"end_date is not on or after start_date", files(testInbox, casapi.InboxQuery{Start: "2025-04-02", End: "2025-04-01"})},
		{"cas_types[1] is not one of cdsl, nsdl, cams, kfintech", files(testInbox, casapi.InboxQuery{CASTypes: []string{"cdsl", "CAMS"}})},
		{"expiry_minutes is not within 1 to 60", func(c *casapi.Client) error {
			_, err := c.CreateToken(t.Context(), 61)
			return err
		}},
		{"x-api-key is missing", func(c *casapi.Client) error {
			_, err := c.VerifyToken(t.Context(), "")
			return err
		}},
		{"end is before start", func(c *casapi.Client) error {
			_, err := c.UsageSummary(t.Context(), time.Now(), time.Now().Add(-time.Hour))
			return err
		}},
	}
	for _, test := range tests {
		client := serve(t, func(http.ResponseWriter, *http.Request) { t.Errorf("was sent in spite of %s", test.want) })
		err := test.call(client)
		if failure := assertClass(t, err, casapi.ErrBadRequest); failure.Message != test.want {
			t.Errorf("got %q, want %q", failure.Message, test.want)
		}
	}
}

// TestClient_Generate_Fallback: the newer path is tried where the older is not there,
// and then stayed with.
func TestClient_Generate_Fallback(t *testing.T) {
	t.Parallel()
	var paths []string
	newer := map[string]int{"/v4/generate": 200}
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.Path)
		status := newer[r.URL.Path]
		if status == 0 {
			status = 404
		}
		answering(status, nil, `{"status":"success","msg":"Done"}`)(w, r)
	})
	newer["/v4/generate"] = 404
	_, err := client.Generate(t.Context(), goodMailback())
	assertFailed(t, err, casapi.ErrNotFound, nil, false)
	newer["/v4/generate"] = 503
	_, err = client.Generate(t.Context(), goodMailback())
	assertFailed(t, err, casapi.ErrUnavailable, nil, false)
	newer["/v4/generate"] = 200
	if _, err := client.Generate(t.Context(), goodMailback()); err != nil {
		t.Error(err)
	}
	want := []string{"/v4/kfintech/generate", "/v4/generate", "/v4/kfintech/generate", "/v4/generate", "/v4/generate"}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestClient_Inbox_Reconnect: a mailbox that is not connected any more is told apart
// from a key that is refused.
func TestClient_Inbox_Reconnect(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]error{
		`{"status":"error","msg":"Token revoked","requires_reconnect":true}`:   casapi.ErrReconnect,
		`{"status":"error","msg":"Invalid API key","requires_reconnect":true}`: casapi.ErrReconnect,
		`{"status":"error","msg":"Invalid API key"}`:                           casapi.ErrUnauthorized,
		`{"status":"error","requires_reconnect":false}`:                        casapi.ErrUnauthorized,
	} {
		client := serve(t, answering(401, nil, body))
		_, err := client.InboxStatus(t.Context(), testInbox)
		assertFailed(t, err, want, nil, false)
	}
	_, err := serve(t, answering(401, nil, `{"requires_reconnect":true}`)).Parse(t.Context(), upload())
	if !errors.Is(err, casapi.ErrUnauthorized) {
		t.Errorf("%v: of a parse call", err)
	}
}
