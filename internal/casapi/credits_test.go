package casapi_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/casapi"
	"casflow/internal/redact"
)

func TestClient_Credits(t *testing.T) {
	t.Parallel()
	midnight := time.Date(2025, 5, 1, 0, 0, 0, 0, time.FixedZone("", 5*3600+1800))
	tests := []struct {
		name, body string
		want       casapi.Credits
		exhausted  bool
	}{
		{
			name: "Schema",
			body: `{"used":12.5,"remaining":37.5,"limit":50,"is_unlimited":false,"resets_at":"2025-05-01T00:00:00Z","enabled_features":["smart_parser","inbox_pull"]}`,
			want: casapi.Credits{
				Used: "12.5", Remaining: "37.5", Limit: "50", ResetsAt: midnight.Add(5*time.Hour + 30*time.Minute),
				Features: []string{"smart_parser", "inbox_pull"},
			},
		},
		{
			name: "OlderNames",
			body: `{"used":1,"remaining":9,"limit":10,"reset_date":"2025-05-01","features":["smart_parser"]}`,
			want: casapi.Credits{Used: "1", Remaining: "9", Limit: "10", ResetsAt: midnight, Features: []string{"smart_parser"}},
		},
		{
			name: "NewerNamesFirst",
			body: `{"used":1,"resets_at":"2025-05-01T00:00:00","reset_date":"2024-01-01","enabled_features":["a"],"features":["b"]}`,
			want: casapi.Credits{Used: "1", ResetsAt: midnight, Features: []string{"a"}},
		},
		{
			name: "OlderNamesWhereNewerAreNull",
			body: `{"used":1,"resets_at":null,"reset_date":"2025-05-01","enabled_features":[],"features":["b"]}`,
			want: casapi.Credits{Used: "1", ResetsAt: midnight, Features: []string{"b"}},
		},
		{name: "Unlimited", body: `{"used":3,"remaining":null,"limit":null,"is_unlimited":true,"resets_at":null}`, want: casapi.Credits{Used: "3", Unlimited: true}},
		{name: "UnlimitedByNull", body: `{"used":3,"remaining":null}`, want: casapi.Credits{Used: "3", Unlimited: true}},
		{name: "UnlimitedDenied", body: `{"remaining":null,"is_unlimited":false}`},
		{name: "UnlimitedWithNothingLeft", body: `{"remaining":0,"is_unlimited":true}`, want: casapi.Credits{Remaining: "0", Unlimited: true}},
		{name: "RemainingUntold", body: `{"used":3}`, want: casapi.Credits{Used: "3"}},
		{name: "NothingLeft", body: `{"remaining":0}`, want: casapi.Credits{Remaining: "0"}, exhausted: true},
		{name: "NothingLeftAsFraction", body: `{"remaining":0.00}`, want: casapi.Credits{Remaining: "0"}, exhausted: true},
		{name: "NothingLeftAsString", body: `{"remaining":"0e5"}`, want: casapi.Credits{Remaining: "0e5"}, exhausted: true},
		{name: "Overdrawn", body: `{"remaining":-1.5}`, want: casapi.Credits{Remaining: "-1.5"}, exhausted: true},
		{name: "AlmostNothingLeft", body: `{"remaining":1e-7}`, want: casapi.Credits{Remaining: "1e-7"}},
		{name: "Strings", body: `{"used":"1,234.50","remaining":"₹ 10","is_unlimited":"False"}`, want: casapi.Credits{Used: "1234.5", Remaining: "10"}},
		{name: "Unreadable", body: `{"used":"many","remaining":[1],"limit":{},"is_unlimited":"no","resets_at":"soon","enabled_features":"all"}`},
		{name: "OddFeatures", body: `{"used":1,"enabled_features":["a",null,"",{"b":1},7]}`, want: casapi.Credits{Used: "1", Features: []string{"a", "7"}}},
		{name: "InData", body: `{"status":"success","data":{"remaining":2}}`, want: casapi.Credits{Remaining: "2"}},
		{name: "RepeatedNames", body: `{"remaining":2,"remaining":0}`, want: casapi.Credits{Remaining: "0"}, exhausted: true},
		{name: "BOM", body: "\ufeff" + `{"remaining":2}`, want: casapi.Credits{Remaining: "2"}},
		{name: "InvalidUTF8", body: "{\"remaining\":2,\"features\":[\"a\xff\"]}", want: casapi.Credits{Remaining: "2", Features: []string{"a\ufffd"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := serve(t, answering(200, nil, test.body)).Credits(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if got.Exhausted() != test.exhausted {
				t.Errorf("got exhausted %t, want %t", got.Exhausted(), test.exhausted)
			}
		})
	}
}

// TestClient_Credits_Refused: the call is free, so no error leaves an outcome
// unknown.
func TestClient_Credits_Refused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status int
		body   string
		want   error
	}{
		{"TokenRefused", 400, `{"detail":"Access tokens cannot be used here"}`, casapi.ErrBadRequest},
		{"Unauthorized", 401, `{"status":"error","msg":"Missing header"}`, casapi.ErrUnauthorized},
		{"PaymentRequired", 402, `{"status":"failed","msg":"Pay"}`, casapi.ErrInsufficientCredits},
		{"Forbidden", 403, `{"message":"Feature not in your plan"}`, casapi.ErrForbidden},
		{"ForbiddenQuota", 403, `{"detail":"Quota used up"}`, casapi.ErrInsufficientCredits},
		{"ForbiddenKey", 403, `{"detail":"Invalid API key"}`, casapi.ErrUnauthorized},
		{"NotFound", 404, `{"detail":"Not Found"}`, casapi.ErrNotFound},
		{"RateLimited", 429, ``, casapi.ErrRateLimited},
		{"ServerError", 500, `{"status":"failed","msg":"boom"}`, casapi.ErrUnavailable},
		{"BadGateway", 502, `<html><h1>Bad Gateway</h1></html>`, casapi.ErrUnavailable},
		{"Unavailable", 503, `no healthy upstream`, casapi.ErrUnavailable},
		{"GatewayTimeout", 504, `{"code":"TIMEOUT"}`, casapi.ErrUnavailable},
		{"Redirect", 302, ``, casapi.ErrUnavailable},

		{"Page", 200, `<html><h1>Maintenance</h1></html>`, casapi.ErrUnavailable},
		{"Empty", 200, ``, casapi.ErrUnavailable},
		{"CutOff", 200, `{"used":1,"remaining":2`, casapi.ErrUnavailable},
		{"TwoValues", 200, `{"used":1}{"used":1}`, casapi.ErrUnavailable},
		{"TooLarge", 200, `{"used":1,"x":"` + strings.Repeat("y", 1<<20) + `"}`, casapi.ErrBadAnswer},
		{"FailedKey", 200, `{"status":"failed","msg":"Invalid API key"}`, casapi.ErrUnauthorized},
		{"FailedWithMembers", 200, `{"status":"failed","used":0,"remaining":0}`, casapi.ErrUnprocessable},
		{"KeyWithoutStatus", 200, `{"detail":"Invalid API key"}`, casapi.ErrUnauthorized},
		{"OtherObject", 200, `{"balance":1}`, casapi.ErrBadAnswer},
		{"OtherObjectInData", 200, `{"data":{"balance":1}}`, casapi.ErrBadAnswer},
		{"Array", 200, `[{"used":1}]`, casapi.ErrBadAnswer},
		{"Null", 200, `null`, casapi.ErrBadAnswer},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client := serve(t, answering(test.status, http.Header{"X-Request-Id": {"req_Answer"}}, test.body))
			got, err := client.Credits(t.Context())
			assertFailed(t, err, test.want, nil, false)
			failure := assertClass(t, err, test.want)
			if failure.Endpoint != "/v1/credits" || failure.StatusCode != test.status || failure.RequestID != "req_Answer" || got != nil {
				t.Errorf("got %+v and credits %+v", failure, got)
			}
		})
	}
}

func TestClient_Credits_Request(t *testing.T) {
	t.Parallel()
	type received struct {
		Method, Path, Key, Body string
		Length                  int64
	}
	var got []received
	var ids []string
	keys := []redact.Secret{"sk_first", "sk_second"} // keys rotate
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = append(got, received{r.Method, r.URL.String(), r.Header.Get("X-Api-Key"), string(body), r.ContentLength})
		ids = append(ids, r.Header.Get("X-Request-Id"))
		answering(200, nil, `{"used":1}`)(w, r)
	}, func(c *casapi.Config) {
		c.APIKey = func() redact.Secret {
			key := keys[0]
			keys = keys[1:]
			return key
		}
	})
	for range 2 {
		if _, err := client.Credits(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	want := []received{
		{Method: "POST", Path: "/v1/credits", Key: "sk_first"},
		{Method: "POST", Path: "/v1/credits", Key: "sk_second"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if ids[0] == ids[1] || !strings.HasPrefix(ids[0], "req_") {
		t.Errorf("got request ids %q", ids)
	}
}

// TestClient_Credits_Lost: a cut connection leaves no outcome unknown either.
func TestClient_Credits_Lost(t *testing.T) {
	t.Parallel()
	client := serve(t, hijack("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"used\":"))
	_, err := client.Credits(t.Context())
	assertFailed(t, err, casapi.ErrUnavailable, io.ErrUnexpectedEOF, false)
}
