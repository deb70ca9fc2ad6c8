package casapi_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/casapi"
)

const (
	testInbox = "it_inbox_0123456789"
	testPAN   = "ZZZPZ0000Z"
	testBOID  = "1299990000004321"
)

func goodMailback() casapi.MailbackRequest {
	return casapi.MailbackRequest{
		Email: "zed@example.invalid", From: "2025-04-01", To: "2025-04-30", Password: testPassword, PAN: testPAN,
	}
}

// retrieval is one call other than a parse call: how it is made, what is sent, and
// an answer to it.
type retrieval struct {
	name    string
	call    func(context.Context, *casapi.Client) (any, error)
	path    string
	body    string
	inbox   bool // the inbox token is sent
	answer  string
	want    any
	timeout time.Duration
	acts    bool // a lost answer leaves its outcome unknown
	account bool // it is about the account
}

var receipt = casapi.Receipt{Message: "Done", RequestID: "req_Answer", CreditsUsed: "0.5", CreditsRemaining: "4.5"}

// retrievals are all of them.
func retrievals() []retrieval {
	return []retrieval{
		{
			name: "Generate", path: "/v4/kfintech/generate", timeout: 30 * time.Second, acts: true,
			call:   func(ctx context.Context, c *casapi.Client) (any, error) { return c.Generate(ctx, goodMailback()) },
			body:   `{"email":"zed@example.invalid","from_date":"2025-04-01","to_date":"2025-04-30","password":"Open-Sesame-77","pan_no":"ZZZPZ0000Z"}`,
			answer: `{"status":"success","msg":"Done"}`, want: &receipt,
		},
		{
			name: "CDSLFetch", path: "/v4/cdsl/fetch", timeout: 75 * time.Second, acts: true,
			call: func(ctx context.Context, c *casapi.Client) (any, error) {
				return c.CDSLFetch(ctx, casapi.CDSLFetchRequest{PAN: testPAN, BOID: testBOID, DateOfBirth: "1980-01-31"})
			},
			body:   `{"pan":"ZZZPZ0000Z","bo_id":"1299990000004321","dob":"1980-01-31"}`,
			answer: `{"status":"success","session_id":"S1","msg":"Done"}`, want: &casapi.CDSLSession{ID: "S1", Receipt: receipt},
		},
		{
			name: "CDSLVerify", path: "/v4/cdsl/fetch/Session.1/verify", timeout: 60 * time.Second, acts: true,
			call: func(ctx context.Context, c *casapi.Client) (any, error) {
				return c.CDSLVerify(ctx, casapi.CDSLVerifyRequest{SessionID: "Session.1", OTP: "0123", Periods: 3})
			},
			body:   `{"otp":"0123","num_periods":3}`,
			answer: `{"status":"success","msg":"Done","files":[{"filename":"a.pdf","url":"https://cdn.casparser.in/a"},{"filename":7,"new":1}]}`,
			want: &casapi.CDSLFiles{
				Files: []casapi.File{{Filename: "a.pdf", URL: "https://cdn.casparser.in/a"}, {Filename: "7"}}, Receipt: receipt,
			},
		},
		{
			name: "InboxConnect", path: "/v4/inbox/connect", timeout: 30 * time.Second,
			call: func(ctx context.Context, c *casapi.Client) (any, error) {
				return c.InboxConnect(ctx, casapi.InboxConnectRequest{RedirectURI: "https://app.example.invalid/back", State: "s", Provider: "zoho"})
			},
			body:   `{"redirect_uri":"https://app.example.invalid/back","state":"s","provider":"zoho"}`,
			answer: `{"status":"success","oauth_url":"https://mail.example.invalid/?x=1","expires_in":null,"provider":"zoho","msg":"Done"}`,
			want:   &casapi.InboxConnection{OAuthURL: "https://mail.example.invalid/?x=1", Provider: "zoho", Receipt: receipt},
		},
		{
			name: "InboxStatus", path: "/v4/inbox/status", timeout: 30 * time.Second, inbox: true,
			call:   func(ctx context.Context, c *casapi.Client) (any, error) { return c.InboxStatus(ctx, testInbox) },
			answer: `{"data":{"status":"success","connected":true,"provider":"gmail","email":"zed@example.invalid","msg":"Done"}}`,
			want:   &casapi.InboxState{Connected: true, Provider: "gmail", Email: "zed@example.invalid", Receipt: receipt},
		},
		{
			name: "InboxFiles", path: "/v4/inbox/cas", timeout: 90 * time.Second, inbox: true, acts: true,
			call: func(ctx context.Context, c *casapi.Client) (any, error) {
				return c.InboxFiles(ctx, testInbox, casapi.InboxQuery{Start: "2025-04-01", End: "2025-04-01", CASTypes: []string{"nsdl", "cams"}})
			},
			body: `{"start_date":"2025-04-01","end_date":"2025-04-01","cas_types":["nsdl","cams"]}`,
			answer: `{"status":"success","msg":"Done","count":2,"files":[{"message_id":"m1","filename":"nsdl_1.pdf","original_filename":"x.pdf",` +
				`"message_date":"2025-04-01T06:30:00Z","cas_type":"nsdl","sender_email":"s@example.invalid","size":1234,"url":"https://cdn.casparser.in/a"},` +
				`{"message_id":null,"size":"big","message_date":"soon","expires_in":-1}]}`,
			want: &casapi.InboxFiles{Receipt: receipt, Files: []casapi.InboxFile{{
				File: casapi.File{Filename: "nsdl_1.pdf", URL: "https://cdn.casparser.in/a"}, MessageID: "m1", OriginalFilename: "x.pdf",
				MessageDate: time.Date(2025, 4, 1, 6, 30, 0, 0, time.UTC), CASType: "nsdl", SenderEmail: "s@example.invalid", Size: 1234,
			}, {}}},
		},
		{
			name: "InboxDisconnect", path: "/v4/inbox/disconnect", timeout: 30 * time.Second, inbox: true,
			call:   func(ctx context.Context, c *casapi.Client) (any, error) { return c.InboxDisconnect(ctx, testInbox) },
			answer: `{"status":"success","msg":"Done"}`, want: &receipt,
		},
		{
			name: "UsageSummary", path: "/v1/usage/summary", timeout: 15 * time.Second, account: true,
			call: func(ctx context.Context, c *casapi.Client) (any, error) {
				return c.UsageSummary(ctx, time.Date(2025, 4, 1, 0, 0, 0, 1, time.UTC), time.Date(2025, 4, 30, 0, 0, 0, 1, time.UTC))
			},
			body:   `{"start_time":"2025-04-01T00:00:00Z","end_time":"2025-04-30T00:00:01Z"}`,
			answer: `{"status":"success","summary":{"total_credits":1.5,"total_requests":3,"by_feature":[{"feature":"smart_parser","credits":1.0,"requests":2},{}]}}`,
			want: &casapi.UsageSummary{
				TotalCredits: "1.5", TotalRequests: 3, ByFeature: []casapi.FeatureUsage{{"smart_parser", "1.0", 2}, {}},
			},
		},
		{
			name: "CreateToken", path: "/v1/token", timeout: 15 * time.Second, account: true,
			call:   func(ctx context.Context, c *casapi.Client) (any, error) { return c.CreateToken(ctx, 5) },
			body:   `{"expiry_minutes":5}`,
			answer: `{"access_token":"at_1","token_type":"api_key","expires_in":300}`,
			want:   &casapi.Token{Secret: "at_1", Type: "api_key", Life: 5 * time.Minute},
		},
		{
			name: "VerifyToken", path: "/v1/token/verify", timeout: 15 * time.Second, account: true,
			call:   func(ctx context.Context, c *casapi.Client) (any, error) { return c.VerifyToken(ctx, testKey) },
			answer: `{"valid":false,"masked_api_key":"sk_t****","error":"Expired"}`,
			want:   &casapi.TokenState{MaskedKey: "sk_t****", Fault: "Expired"},
		},
	}
}

func TestClient_Ask(t *testing.T) {
	t.Parallel()
	for _, test := range retrievals() {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			type received struct{ Method, Path, Key, Inbox, ContentType, Body string }
			var got received
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				got = received{r.Method, r.URL.Path, r.Header.Get("X-Api-Key"), r.Header.Get("X-Inbox-Token"), r.Header.Get("Content-Type"), string(body)}
				if !strings.HasPrefix(r.Header.Get("X-Request-Id"), "req_") {
					t.Error("no request id")
				}
				header := http.Header{"X-Request-Id": {"req_Answer"}, "X-Credits-Used": {"0.5"}, "X-Credits-Remaining": {"4.5"}}
				answering(200, header, test.answer)(w, r)
			})
			answer, err := test.call(t.Context(), client)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, answer, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			want := received{Method: "POST", Path: test.path, Key: testKey, Body: test.body}
			if test.inbox {
				want.Inbox = testInbox
			}
			if test.body != "" {
				want.ContentType = "application/json"
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}
