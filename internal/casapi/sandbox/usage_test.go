package sandbox

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// usageCall asks for the usage log.
func usageCall(body string) call {
	return call{method: http.MethodPost, path: usagePath, key: testKey, contentType: jsonType, body: []byte(body)}
}

// usage returns the entries that the log answers with.
func (b bench) usage(t *testing.T, body string) []usageEntry {
	t.Helper()
	got := b.mustSend(t, usageCall(body))
	var answer usageAnswer
	if err := json.Unmarshal(got.body, &answer); err != nil || got.status != http.StatusOK {
		t.Fatalf("status = %d, body = %s, error %v", got.status, got.body, err)
	}
	if answer.Status != "success" || answer.Count != len(answer.Logs) {
		t.Errorf("status = %q, count = %d, want success and %d", answer.Status, answer.Count, len(answer.Logs))
	}
	return answer.Logs
}

// The log tells what the API did, whatever the caller learned of it.
func TestSandbox_Usage_Outcomes(t *testing.T) {
	t.Parallel()
	good, wrong := cdsl(t, 1), cdsl(t, 1)
	wrong.password = "wrong"
	tests := map[string]struct {
		fault   Fault
		from    statement
		credits int
		want    int // 200 is billed
	}{
		"Parsed":           {Fault{}, good, 1, 200},
		"WrongPassword":    {Fault{}, wrong, 1, 400},
		"NoCredits":        {Fault{}, good, 0, 402},
		"Cut":              {Fault{Cut: true}, good, 1, 499},
		"CutBilled":        {Fault{Cut: true, Billed: true}, good, 1, 200},
		"CutUnreadable":    {Fault{Cut: true, Billed: true}, wrong, 1, 400},
		"HalfAnAnswer":     {Fault{CutAfter: 10}, good, 1, 200},
		"Status":           {Fault{Status: 503}, good, 1, 503},
		"StatusCut":        {Fault{Status: 502, CutAfter: 1}, good, 1, 502},
		"StatusKey":        {Fault{Status: 401}, good, 1, 401},
		"StatusBilled":     {Fault{Status: 504, Billed: true}, good, 1, 200},
		"StatusUnreadable": {Fault{Status: 504, Billed: true}, wrong, 1, 400},
		"StatusPoor":       {Fault{Status: 504, Billed: true}, good, 0, 402},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := newFakeClock()
			b := setup(t, Config{Credits: tt.credits, Clock: clock.Now})
			b.api.FailNext(tt.fault)
			_, _ = b.send(t.Context(), tt.from.upload().withID("req_A1")) // some are cut
			want := []usageEntry{{
				RequestID: "req_A1", Feature: "smart_parser", Path: SmartParse, StatusCode: tt.want,
				Credits: "0.0", Timestamp: "2026-03-31T23:30:00Z",
			}}
			if tt.want == http.StatusOK {
				want[0].Credits = "1.0"
			}
			if diff := cmp.Diff(want, b.usage(t, "")); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
		})
	}
}

// A call is in the log once it has ended: not while it waits, even if it is
// billed by then.
func TestSandbox_Usage_ClientGone(t *testing.T) {
	t.Parallel()
	c := cdsl(t, 1)
	for name, want := range map[string]usageEntry{
		"Billed":    {StatusCode: 200, Credits: "1.0"},
		"NotBilled": {StatusCode: 499, Credits: "0.0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := New(Config{Key: testKey, Credits: 5})
			over := make(chan struct{}, 1)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				api.ServeHTTP(w, r)
				if r.URL.Path == SmartParse {
					over <- struct{}{}
				}
			}))
			t.Cleanup(server.Close)
			b := bench{api: api, url: server.URL}
			api.FailNext(Fault{Delay: time.Hour, Billed: want.StatusCode == http.StatusOK})
			ctx, hangUp := context.WithCancel(t.Context())
			go func() { _, _ = b.send(ctx, c.upload()) }()
			if err := api.AwaitCalls(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			if got := b.usage(t, "{}"); len(got) != 0 {
				t.Errorf("at work: log = %+v, want nothing", got)
			}
			hangUp()
			<-over
			got := b.usage(t, "{}")
			if len(got) != 1 || got[0].StatusCode != want.StatusCode || got[0].Credits != want.Credits {
				t.Errorf("log = %+v, want one entry like %+v", got, want)
			}
		})
	}
}

func TestSandbox_Usage_Query(t *testing.T) {
	t.Parallel()
	clock := newFakeClock()
	b := setup(t, Config{Credits: -1, RatePerMinute: 1, Clock: clock.Now})
	b.mustSend(t, jsonCall(nil).withID("req_Old").at(NSDLParse))
	clock.Advance(30*24*time.Hour + time.Second)
	b.mustSend(t, jsonCall(nil).withID("req_One").at(CDSLParse)) // 2026-04-30T23:30:01Z
	b.mustSend(t, jsonCall(nil).withID("req_Two").at(CAMSKFintechParse))
	b.mustSend(t, jsonCall(nil).withID("req_Denied").withKey("wrong"))
	clock.Advance(time.Second)
	tests := map[string]struct {
		body string
		want []string
	}{
		"Empty":     {"", []string{"req_Two", "req_One"}},
		"Defaults":  {"{}", []string{"req_Two", "req_One"}},
		"All":       {`{"start_time":"2026-01-01T00:00:00Z"}`, []string{"req_Two", "req_One", "req_Old"}},
		"Newest":    {`{"limit":1}`, []string{"req_Two"}},
		"Most":      {`{"limit":500}`, []string{"req_Two", "req_One"}},
		"Bounds":    {`{"start_time":"2026-04-30T23:30:01Z","end_time":"2026-05-01T05:00:01+05:30"}`, []string{"req_Two", "req_One"}},
		"After":     {`{"start_time":"2026-04-30T23:30:01.000000001Z"}`, nil},
		"Before":    {`{"end_time":"2026-04-30T23:30:00.9Z"}`, nil},
		"OldWindow": {`{"start_time":"2026-01-01T00:00:00Z","end_time":"2026-04-01T00:00:00Z","limit":2}`, []string{"req_Old"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, entry := range b.usage(t, tt.body) {
				got = append(got, entry.RequestID)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("log = %q, want %q", got, tt.want)
			}
		})
	}
	var got [][2]any
	for _, entry := range b.usage(t, `{"start_time":"2026-01-01T00:00:00Z"}`) {
		got = append(got, [2]any{entry.Feature, entry.StatusCode})
	}
	want := [][2]any{{"cams_kfintech_cas_parser", 429}, {"cdsl_cas_parser", 400}, {"nsdl_cas_parser", 400}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("features and statuses (-want +got):\n%s", diff)
	}
}

func TestSandbox_Usage_Refused(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{Credits: -1})
	tests := map[string]struct {
		call call
		want int
	}{
		"NoKey":          {usageCall("{}").withKey(""), 401},
		"WrongKey":       {usageCall("{").withKey("wrong"), 401},
		"Get":            {call{method: http.MethodGet, path: usagePath, key: testKey}, 405},
		"NotJSON":        {usageCall("limit=5"), 400},
		"CutOff":         {usageCall(`{"limit":5`), 400},
		"TwoValues":      {usageCall(`{}{}`), 400},
		"Array":          {usageCall(`[]`), 400},
		"UnknownField":   {usageCall(`{"limit":5,"page":2}`), 400},
		"OtherCase":      {usageCall(`{"Limit":5}`), 400},
		"Repeated":       {usageCall(`{"limit":5,"limit":6}`), 400},
		"TextLimit":      {usageCall(`{"limit":"5"}`), 400},
		"FractionLimit":  {usageCall(`{"limit":5.5}`), 400},
		"NoLimit":        {usageCall(`{"limit":0}`), 400},
		"BelowLimit":     {usageCall(`{"limit":-1}`), 400},
		"AboveLimit":     {usageCall(`{"limit":501}`), 400},
		"NumberTime":     {usageCall(`{"start_time":1746081000}`), 400},
		"DateTime":       {usageCall(`{"end_time":"2026-04-01"}`), 400},
		"NaiveTime":      {usageCall(`{"start_time":"2026-04-01T00:00:00"}`), 400},
		"EndBeforeStart": {usageCall(`{"start_time":"2026-04-01T00:00:01Z","end_time":"2026-04-01T00:00:00Z"}`), 400},
		"Long":           {usageCall(`{"limit":5` + strings.Repeat(" ", maxTextBytes) + `}`), 400},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := b.mustSend(t, tt.call)
			if got.status != tt.want {
				t.Errorf("status = %d, want %d", got.status, tt.want)
			}
			if f := got.failure(t); (tt.want == http.StatusBadRequest) != (f.Detail != "") || (f.Detail == "") != (f.Status == "failed" && f.Msg != "") {
				t.Errorf("body = %+v, want a detail for 400, else status failed and a msg", f)
			}
		})
	}
}

func TestSandbox_SetUsage(t *testing.T) {
	t.Parallel()
	clock := newFakeClock()
	b := setup(t, Config{Credits: -1, Clock: clock.Now})
	b.mustSend(t, jsonCall(nil))

	b.api.SetUsageFault(http.StatusServiceUnavailable)
	if got := b.mustSend(t, usageCall("{}")); got.status != 503 || got.failure(t).Status != "failed" {
		t.Errorf("fault: status = %d, body = %s, want 503 and an error", got.status, got.body)
	}
	if got := b.mustSend(t, usageCall("{}").withKey("wrong")); got.status != 401 {
		t.Errorf("fault, wrong key: status = %d, want 401", got.status)
	}
	if got := b.mustSend(t, jsonCall(nil)); got.status != 400 {
		t.Errorf("fault: status of a parse call = %d, want its own", got.status)
	}
	b.api.SetUsageFault(0)

	count := func(want int) {
		t.Helper()
		if got := b.usage(t, "{}"); len(got) != want {
			t.Errorf("log = %+v, want %d entries", got, want)
		}
	}
	count(2)
	b.api.SetUsageLag(time.Minute)
	count(0)
	clock.Advance(time.Minute - 1)
	b.mustSend(t, jsonCall(nil))
	count(0)
	clock.Advance(1)
	count(2)
	b.api.SetUsageLag(0)
	count(3)
}
