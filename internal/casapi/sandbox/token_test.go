package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

type issued struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"`
}

func TestSandbox_Token(t *testing.T) {
	t.Parallel()
	clock := newFakeClock()
	b := setup(t, Config{Credits: -1, Clock: clock.Now})
	c := cdsl(t, 1)
	answer := decodeAnswer[issued](t, b.mustSend(t, post(tokenPath, `{"expiry_minutes":5}`)))
	if answer.TokenType != "api_key" || answer.ExpiresIn != 300 || !strings.HasPrefix(answer.AccessToken, "at_") {
		t.Fatalf("answer = %+v", answer)
	}
	if whole := decodeAnswer[issued](t, b.mustSend(t, post("/v1/access-token", ""))); whole.ExpiresIn != 3600 {
		t.Errorf("expires in %d s by default, want 3600", whole.ExpiresIn)
	}
	state := func(key, body string) tokenState {
		t.Helper()
		return decodeAnswer[tokenState](t, b.mustSend(t, post(verifyTokenPath, body).withKey(key)))
	}
	if got := b.mustSend(t, c.upload().withKey(answer.AccessToken)); got.status != http.StatusOK {
		t.Errorf("parse: status = %d, want 200", got.status)
	}
	want := tokenState{Valid: true, MaskedAPIKey: "sk_t****0001", ExpiresAt: "2026-03-31T23:35:00Z"}
	if got := state(answer.AccessToken, ""); got != want {
		t.Errorf("state = %+v, want %+v", got, want)
	}
	if got := state(testKey, `{"access_token":"`+answer.AccessToken+`"}`); got != want {
		t.Errorf("state as asked with the key = %+v, want %+v", got, want)
	}
	if got := state(testKey, ""); !got.Valid || got.ExpiresAt != "" {
		t.Errorf("state of a key = %+v, want valid for ever", got)
	}
	if got := state("at_NONE", ""); got.Valid || got.Error == "" {
		t.Errorf("state of an unknown token = %+v", got)
	}
	for _, path := range []string{creditsPath, usagePath, summaryPath, tokenPath, "/credits", "/logs", "/logs/summary"} {
		got := b.mustSend(t, post(path, "").withKey(answer.AccessToken))
		if f := got.failure(t); got.status != http.StatusBadRequest || !strings.Contains(f.Detail, "Access tokens cannot") {
			t.Errorf("%s with a token: status = %d, body = %s, want 400 with a detail", path, got.status, got.body)
		}
	}

	clock.Advance(5 * time.Minute)
	got := b.mustSend(t, c.upload().withKey(answer.AccessToken))
	if got.status != http.StatusForbidden || got.failure(t).Code != "TOKEN_EXPIRED" {
		t.Errorf("expired: status = %d, body = %s, want 403 TOKEN_EXPIRED", got.status, got.body)
	}
	if got := state(answer.AccessToken, ""); got.Valid || got.Error == "" {
		t.Errorf("state of an expired token = %+v", got)
	}
	b.api.RevokeTokens()
	if got := b.mustSend(t, c.upload().withKey(answer.AccessToken)); got.status != http.StatusUnauthorized {
		t.Errorf("revoked: status = %d, want 401", got.status)
	}
	if got := b.mustSend(t, post(verifyTokenPath, "").withKey("")); got.status != http.StatusUnauthorized {
		t.Errorf("verify without a key: status = %d, want 401", got.status)
	}
	if got := b.api.Tokens(); got != 2 {
		t.Errorf("%d tokens were issued, want 2", got)
	}
}

func TestSandbox_UsageSummary(t *testing.T) {
	t.Parallel()
	clock := newFakeClock()
	b := setup(t, Config{Credits: 50, Clock: clock.Now})
	note, _ := contractNoteOf(t, 1)
	b.mustSend(t, cdsl(t, 1).upload())
	b.mustSend(t, cdsl(t, 1).upload().at(NSDLParse)) // refused
	clock.Advance(time.Hour)                         // the next month
	b.mustSend(t, note.upload().at(ContractNoteParse))
	b.mustSend(t, note.upload().at(ContractNoteParse))
	b.mustSend(t, post(KFintechGenerate, goodMailback))
	b.mustSend(t, post(CDSLFetch, goodFetch))
	b.mustSendInbox(t, post(InboxCAS, ""), b.api.ConnectInbox("gmail"))
	b.mustSend(t, cdsl(t, 1).upload().withKey("wrong")) // nobody's
	got := decodeAnswer[summaryAnswer](t, b.mustSend(t, post(summaryPath, "")))
	want := []featureUsage{
		{"contract_note_parser", "1.0", 2}, {"kfintech_cas_generator", "0.5", 1}, {"cdsl_cas_fetch", "0.0", 1}, {"inbox_pull", "0.2", 1},
	}
	if got.Status != "success" || got.Summary.TotalCredits != "1.7" || got.Summary.TotalRequests != 5 || !slices.Equal(got.Summary.ByFeature, want) {
		t.Errorf("this month: %+v", got)
	}
	got = decodeAnswer[summaryAnswer](t, b.mustSend(t, post("/logs/summary", `{"start_time":"2026-03-01T00:00:00Z","end_time":"2026-03-31T23:59:59Z"}`)))
	want = []featureUsage{{"smart_parser", "1.0", 1}, {"nsdl_cas_parser", "0.0", 1}}
	if got.Summary.TotalCredits != "1.0" || !slices.Equal(got.Summary.ByFeature, want) {
		t.Errorf("last month: %+v", got)
	}
	if got := b.usage(t, ""); len(got) != 7 || got[0].Path != InboxCAS || got[0].Credits != "0.2" {
		t.Errorf("log = %+v, want 7 entries, the mailbox first", got)
	}
}

func TestSandbox_FailPath(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{Credits: 5})
	b.api.FailPath(KFintechGenerate, Fault{Status: 404}, Fault{Status: 504, Billed: true}, Fault{Cut: true}, Fault{CutAfter: 5})
	b.api.FailPath(creditsPath, Fault{Status: 503})
	mail := post(KFintechGenerate, goodMailback)
	var got []int
	for range 5 {
		result, err := b.send(t.Context(), mail)
		if err != nil {
			result.status = -1
		}
		got = append(got, result.status)
	}
	if !slices.Equal(got, []int{404, 504, -1, -1, 200}) {
		t.Errorf("statuses = %v", got)
	}
	if n := len(b.api.Mailbacks()); n != 3 {
		t.Errorf("%d mails, want those of the billed, the half told and the last call", n)
	}
	var logged []int
	for _, e := range b.usage(t, "") {
		logged = append(logged, e.StatusCode)
	}
	if !slices.Equal(logged, []int{200, 200, 499, 200, 404}) {
		t.Errorf("log = %v", logged)
	}
	if got := b.statuses(t, post(creditsPath, ""), post(creditsPath, "")); !slices.Equal(got, []int{503, 200}) {
		t.Errorf("credits: statuses = %v", got)
	}
	b.api.FailPath(Generate, Fault{Status: 500})
	b.api.ClearFaults()
	if got := b.statuses(t, mail.at(Generate)); got[0] != http.StatusOK {
		t.Errorf("cleared: status = %d", got[0])
	}
}
