package casapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/casapi"
	"casflow/internal/casapi/sandbox"
)

func TestClient_Usage(t *testing.T) {
	t.Parallel()
	noon := time.Date(2025, 5, 1, 12, 0, 0, 0, time.FixedZone("", 5*3600+1800))
	const entry = `{"request_id":"req_A1","feature":"smart_parser","path":"/v4/smart/parse","status_code":200,"credits":1.0,"timestamp":"2025-05-01T06:30:00Z"}`
	first := casapi.UsageEntry{
		RequestID: "req_A1", Feature: "smart_parser", Path: "/v4/smart/parse", StatusCode: 200, Credits: "1.0", At: noon,
	}
	one := func(log string) string { return `{"status":"success","count":1,"logs":[` + log + `]}` }
	tests := []struct {
		name, body string
		want       []casapi.UsageEntry
	}{
		{"Schema", `{"status":"success","count":2,"logs":[` + entry + `,{"request_id":"req_B2","status_code":400,"credits":0.0}]}`, []casapi.UsageEntry{first, {RequestID: "req_B2", StatusCode: 400, Credits: "0.0"}}},
		{"Empty", `{"status":"success","count":0,"logs":[]}`, []casapi.UsageEntry{}},
		{"LogsAlone", `{"logs":[` + entry + `]}`, []casapi.UsageEntry{first}},
		{"InData", `{"status":"success","data":{"logs":[` + entry + `]}}`, []casapi.UsageEntry{first}},
		{"BOM", "\ufeff" + one(entry), []casapi.UsageEntry{first}},
		{"UnknownMembers", `{"next":{"a":1},"logs":[{"request_id":"req_A1","latency":[1]}]}`, []casapi.UsageEntry{{RequestID: "req_A1"}}},
		{"NothingTold", one(`{}`), []casapi.UsageEntry{{}}},
		{"Nulls", one(`{"request_id":null,"feature":null,"path":null,"status_code":null,"credits":null,"timestamp":null}`), []casapi.UsageEntry{{}}},
		{"Strings", one(`{"status_code":"200","credits":"1.50"}`), []casapi.UsageEntry{{StatusCode: 200, Credits: "1.50"}}},
		{"EveryDigit", one(`{"credits":0.10000000000000000000000000000000000001}`), []casapi.UsageEntry{{Credits: "0.10000000000000000000000000000000000001"}}},
		{"NaiveTime", one(`{"timestamp":"2025-05-01T12:00:00"}`), []casapi.UsageEntry{{At: noon}}},
		{"Fraction", one(`{"timestamp":"2025-05-01 12:00:00.25"}`), []casapi.UsageEntry{{At: noon.Add(250 * time.Millisecond)}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := serve(t, answering(200, nil, test.body)).Usage(t.Context(), casapi.UsageQuery{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestUsageEntry_Charged(t *testing.T) {
	t.Parallel()
	for credits, want := range map[string]bool{
		"": false, "0": false, "0.00": false, "0e5": false, "-1": false, "1": true, "1.0": true, "0.25": true, "1e-1": true,
	} {
		entry := casapi.UsageEntry{Credits: credits}
		if got := entry.Charged(); got != want {
			t.Errorf("%q: got %t, want %t", credits, got, want)
		}
	}
}

// TestClient_Usage_Refused: nothing but a whole log is read as one, and no error
// leaves an outcome unknown.
func TestClient_Usage_Refused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status int
		body   string
		want   error
	}{
		{"TokenRefused", 400, `{"detail":"Access tokens cannot be used here"}`, casapi.ErrBadRequest},
		{"Unauthorized", 401, `{"status":"failed","msg":"Invalid API key"}`, casapi.ErrUnauthorized},
		{"Forbidden", 403, `{"message":"Feature not in your plan"}`, casapi.ErrForbidden},
		{"RateLimited", 429, ``, casapi.ErrRateLimited},
		{"Unavailable", 503, `no healthy upstream`, casapi.ErrUnavailable},
		{"GatewayTimeout", 504, `{"code":"TIMEOUT"}`, casapi.ErrUnavailable},

		{"Page", 200, `<html><h1>Maintenance</h1></html>`, casapi.ErrUnavailable},
		{"NoBody", 200, ``, casapi.ErrUnavailable},
		{"CutOff", 200, `{"logs":[{"request_id":"req_A1"}`, casapi.ErrUnavailable},
		{"FailedKey", 200, `{"status":"failed","msg":"Invalid API key"}`, casapi.ErrUnauthorized},
		{"FailedWithLogs", 200, `{"status":"failed","msg":"Invalid API key","logs":[]}`, casapi.ErrUnauthorized},
		{"KeyWithoutStatus", 200, `{"detail":"Invalid API key"}`, casapi.ErrUnauthorized},
		{"TooLarge", 200, `{"logs":[],"x":"` + strings.Repeat("y", 4<<20) + `"}`, casapi.ErrBadAnswer},
		{"NoLogs", 200, `{"status":"success","count":0}`, casapi.ErrBadAnswer},
		{"NullLogs", 200, `{"status":"success","logs":null}`, casapi.ErrBadAnswer},
		{"LogsByName", 200, `{"status":"success","logs":{"req_A1":{}}}`, casapi.ErrBadAnswer},
		{"Array", 200, `[{"request_id":"req_A1"}]`, casapi.ErrBadAnswer},
		{"Null", 200, `null`, casapi.ErrBadAnswer},
		{"NullEntry", 200, `{"logs":[null]}`, casapi.ErrBadAnswer},
		{"TextEntry", 200, `{"logs":[{},"req_A1"]}`, casapi.ErrBadAnswer},
		{"RequestIDs", 200, `{"logs":[{"request_id":["req_A1"]}]}`, casapi.ErrBadAnswer},
		{"StatusWord", 200, `{"logs":[{"status_code":"ok"}]}`, casapi.ErrBadAnswer},
		{"ManyCredits", 200, `{"logs":[{"credits":"many"}]}`, casapi.ErrBadAnswer},
		{"OddTime", 200, `{"logs":[{"timestamp":1746081000}]}`, casapi.ErrBadAnswer},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client := serve(t, answering(test.status, http.Header{"X-Request-Id": {"req_Answer"}}, test.body))
			got, err := client.Usage(t.Context(), casapi.UsageQuery{})
			assertFailed(t, err, test.want, nil, false)
			failure := assertClass(t, err, test.want)
			if failure.Endpoint != "/v1/usage" || failure.StatusCode != test.status || failure.RequestID != "req_Answer" || got != nil {
				t.Errorf("got %+v and entries %+v", failure, got)
			}
		})
	}
}

func TestClient_Usage_Request(t *testing.T) {
	t.Parallel()
	at := func(nanoseconds int) time.Time {
		return time.Date(2025, 5, 1, 12, 0, 0, nanoseconds, time.FixedZone("", 5*3600+1800))
	}
	tests := []struct {
		name  string
		query casapi.UsageQuery
		want  string // "": not sent
	}{
		{"Defaults", casapi.UsageQuery{}, `{"limit":100}`},
		{"Window", casapi.UsageQuery{Start: at(0), End: at(0), Limit: 500}, `{"start_time":"2025-05-01T06:30:00Z","end_time":"2025-05-01T06:30:00Z","limit":500}`},
		{"Widened", casapi.UsageQuery{Start: at(999_999_999), End: at(999_999_999), Limit: 1}, `{"start_time":"2025-05-01T06:30:00Z","end_time":"2025-05-01T06:30:01Z","limit":1}`},
		{"StartAlone", casapi.UsageQuery{Start: at(1)}, `{"start_time":"2025-05-01T06:30:00Z","limit":100}`},
		{"Negative", casapi.UsageQuery{Limit: -1}, ""},
		{"TooMany", casapi.UsageQuery{Limit: 501}, ""},
		{"Reversed", casapi.UsageQuery{Start: at(1), End: at(0)}, ""},
		{"Year10000", casapi.UsageQuery{End: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			type received struct{ Method, Path, Key, ContentType, Body string }
			var got []received
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				got = append(got, received{r.Method, r.URL.String(), r.Header.Get("X-Api-Key"), r.Header.Get("Content-Type"), string(body)})
				answering(200, nil, `{"logs":[]}`)(w, r)
			})
			_, err := client.Usage(t.Context(), test.query)
			var want []received
			if test.want == "" {
				assertFailed(t, err, casapi.ErrBadRequest, nil, false)
			} else {
				want = []received{{"POST", "/v1/usage", testKey, "application/json", test.want}}
				if err != nil {
					t.Error(err)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestClient_Usage_Lost: a cut connection leaves no outcome unknown either,
// although the whole request was taken.
func TestClient_Usage_Lost(t *testing.T) {
	t.Parallel()
	client := serve(t, hijack("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"logs\":["))
	_, err := client.Usage(t.Context(), casapi.UsageQuery{})
	assertFailed(t, err, casapi.ErrUnavailable, io.ErrUnexpectedEOF, false)
}

// TestClient_Usage_Timeout: the log is not waited for as long as a parse is.
func TestClient_Usage_Timeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, func(c *casapi.Config) { c.Transport = silent() })
		begin := time.Now()
		_, err := client.Usage(t.Context(), casapi.UsageQuery{})
		assertFailed(t, err, casapi.ErrUnavailable, nil, false)
		if waited := time.Since(begin); waited != 15*time.Second {
			t.Errorf("gave up after %v, want 15s", waited)
		}
	})
}

// TestClient_Usage_Sandbox: what the stand-in logs of a call is found by its id.
func TestClient_Usage_Sandbox(t *testing.T) {
	t.Parallel()
	begin := time.Now()
	server := httptest.NewServer(sandbox.New(sandbox.Config{Key: testKey, Credits: 1}))
	t.Cleanup(server.Close)
	client := newClient(t, func(c *casapi.Config) { c.BaseURL = server.URL })
	request := upload()
	_, err := client.Parse(t.Context(), request) // no real PDF
	assertFailed(t, err, casapi.ErrNotPDF, nil, false)
	got, err := client.Usage(t.Context(), casapi.UsageQuery{Start: begin, End: time.Now()})
	if err != nil || len(got) != 1 {
		t.Fatalf("got %+v, %v, want one entry", got, err)
	}
	if at := got[0].At; at.Before(begin) || at.After(time.Now()) {
		t.Errorf("logged at %v, which is not between %v and now", at, begin)
	}
	got[0].At = time.Time{}
	want := casapi.UsageEntry{
		RequestID: request.RequestID, Feature: "smart_parser", Path: "/v4/smart/parse", StatusCode: 400, Credits: "0.0",
	}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
