package sandbox

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSandbox_ServeHTTP(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{Credits: -1})
	tests := map[string]struct {
		method, path string
		want         int
	}{
		"UnknownPath":    {http.MethodPost, "/v4/smart/parses", http.StatusNotFound},
		"Root":           {http.MethodGet, "/", http.StatusNotFound},
		"GetParse":       {http.MethodGet, SmartParse, http.StatusMethodNotAllowed},
		"PutParse":       {http.MethodPut, CDSLParse, http.StatusMethodNotAllowed},
		"GetCredits":     {http.MethodGet, creditsPath, http.StatusMethodNotAllowed},
		"CreditsWithout": {http.MethodPost, creditsPath, http.StatusUnauthorized},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := b.mustSend(t, call{method: tt.method, path: tt.path})
			if got.status != tt.want {
				t.Errorf("status = %d, want %d", got.status, tt.want)
			}
			if f := got.failure(t); f.Status != "failed" || f.Msg == "" {
				t.Errorf("body = %+v, want status failed and a msg", f)
			}
			if tt.want == http.StatusMethodNotAllowed && got.header.Get("Allow") != http.MethodPost {
				t.Errorf("Allow = %q, want POST", got.header.Get("Allow"))
			}
			if got.header.Get("X-Request-ID") == "" {
				t.Error("no X-Request-ID")
			}
		})
	}
	if got := b.api.Totals(); got != (Count{}) {
		t.Errorf("totals = %+v: none of these is a parse call", got)
	}
}

func TestSandbox_RequestID(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{Credits: -1})
	own := regexp.MustCompile(`^req_[A-Z0-9]{26}$`)
	tests := map[string]struct {
		sent string
		echo bool
	}{
		"None":        {"", false},
		"Good":        {"req_0aZ9", true},
		"Usual":       {"req_ABCDEFGHIJKLMNOPQRSTUVWXYZ", true},
		"Longest":     {"req_" + strings.Repeat("a", 60), true},
		"TooLong":     {"req_" + strings.Repeat("a", 61), false},
		"Empty":       {"req_", false},
		"NoPrefix":    {"abc123", false},
		"OtherPrefix": {"xreq_abc", false},
		"Dash":        {"req_abc-def", false},
		"Underscore":  {"req_abc_def", false},
		"NotASCII":    {"req_äbc", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, path := range []string{SmartParse, creditsPath, "/nowhere"} {
				got := b.mustSend(t, jsonCall(nil).at(path).withID(tt.sent)).header.Get("X-Request-ID")
				if tt.echo && got != tt.sent {
					t.Errorf("%s: X-Request-ID = %q, want %q", path, got, tt.sent)
				}
				if !tt.echo && !own.MatchString(got) {
					t.Errorf("%s: X-Request-ID = %q, want one of the form %v", path, got, own)
				}
			}
		})
	}
}

func TestSandbox_Credits(t *testing.T) {
	t.Parallel()
	clock := newFakeClock()
	b := setup(t, Config{Credits: 3, RatePerMinute: 1, Clock: clock.Now})
	credits := func() map[string]any {
		t.Helper()
		got := b.mustSend(t, call{method: http.MethodPost, path: creditsPath, key: testKey})
		if got.status != http.StatusOK {
			t.Fatalf("status = %d, want 200", got.status)
		}
		var answer map[string]any
		if err := json.Unmarshal(got.body, &answer); err != nil {
			t.Fatal(err)
		}
		return answer
	}
	want := map[string]any{
		"used": 0.0, "remaining": 3.0, "limit": 3.0, "is_unlimited": false, "resets_at": "2026-04-01T00:00:00Z",
		"enabled_features": []any{
			"smart_parser", "cdsl_cas_parser", "nsdl_cas_parser", "cams_kfintech_cas_parser", "contract_note_parser",
			"kfintech_cas_generator", "cdsl_cas_fetch", "inbox_connect", "inbox_status", "inbox_pull", "inbox_disconnect",
		},
	}
	if diff := cmp.Diff(want, credits()); diff != "" {
		t.Errorf("at first (-want +got):\n%s", diff)
	}

	if got := b.mustSend(t, cdsl(t, 1).upload()); got.status != http.StatusOK {
		t.Fatalf("parse: status = %d", got.status)
	}
	want["used"], want["remaining"] = 1.0, 2.0
	if diff := cmp.Diff(want, credits()); diff != "" {
		t.Errorf("after a parse (-want +got):\n%s", diff)
	}

	b.api.SetCredits(0)
	want["remaining"], want["limit"] = 0.0, 1.0
	if diff := cmp.Diff(want, credits()); diff != "" {
		t.Errorf("without credits (-want +got):\n%s", diff)
	}

	b.api.SetCredits(-1)
	want["remaining"], want["limit"], want["is_unlimited"] = nil, 0.0, true
	if diff := cmp.Diff(want, credits()); diff != "" {
		t.Errorf("unlimited (-want +got):\n%s", diff)
	}
}

func TestSandbox_SetKey(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{Credits: -1})
	status := func(key string) int {
		t.Helper()
		return b.mustSend(t, call{method: http.MethodPost, path: creditsPath, key: key}).status
	}
	b.api.SetKey("sk_test_0002")
	if got := status(testKey); got != http.StatusUnauthorized {
		t.Errorf("old key: status = %d, want 401", got)
	}
	if got := status("sk_test_0002"); got != http.StatusOK {
		t.Errorf("new key: status = %d, want 200", got)
	}
	b.api.SetKey("")
	if got := status("whatever"); got != http.StatusOK {
		t.Errorf("any key: status = %d, want 200", got)
	}
	if got := status(""); got != http.StatusUnauthorized {
		t.Errorf("no key: status = %d, want 401", got)
	}
}
