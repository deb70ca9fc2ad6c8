package enqueuercli_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/casapi"
	"casflow/internal/casapi/sandbox"
	"casflow/internal/redact"
)

const accountKey = "sk_" + hush + "_0123456789"

// account is a stand-in API with some calls in its log, and a key file.
type account struct {
	api           *sandbox.Sandbox
	url, keyFile  string
	first, second string // request ids, in order
}

func setupAccount(t *testing.T) account {
	t.Helper()
	a := account{keyFile: secretFile(t, accountKey)}
	a.api = sandbox.New(sandbox.Config{Key: accountKey, Credits: 3})
	server := httptest.NewServer(a.api)
	t.Cleanup(server.Close)
	a.url = server.URL
	client, err := casapi.New(casapi.Config{BaseURL: a.url, APIKey: func() redact.Secret { return accountKey }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	receipt, err := client.Generate(t.Context(), casapi.MailbackRequest{
		Email: "zed@example.invalid", From: "2026-04-01", To: "2026-04-30", Password: "made-up",
	})
	if err != nil {
		t.Fatal(err)
	}
	a.first = receipt.RequestID
	session, err := client.CDSLFetch(t.Context(), casapi.CDSLFetchRequest{PAN: "ZZZPZ0000Z", BOID: "1299990000004321", DateOfBirth: "1980-01-31"})
	if err != nil {
		t.Fatal(err)
	}
	a.second = session.RequestID
	return a
}

func secretFile(t *testing.T, secret string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// ask runs one of the account commands.
func (a account) ask(t *testing.T, words ...string) result {
	t.Helper()
	return run(t, append(append([]string{"account"}, words...), "--api-base-url", a.url, "--api-key-file", a.keyFile)...)
}

func TestAccount_Credits(t *testing.T) {
	t.Parallel()
	a := setupAccount(t)
	type found struct {
		Used      *string    `json:"used"`
		Remaining *string    `json:"remaining"`
		Limit     *string    `json:"limit"`
		Unlimited bool       `json:"unlimited"`
		ResetsAt  *time.Time `json:"resets_at"`
		Features  []string   `json:"features"`
	}
	got := decode[found](t, a.ask(t, "credits", "--json").wantDone(t))
	if *got.Used != "0.5" || *got.Remaining != "2.5" || *got.Limit != "3" || got.Unlimited || got.ResetsAt == nil || len(got.Features) < 5 {
		t.Errorf("got %+v", got)
	}
	text := a.ask(t, "credits").wantDone(t)
	for _, want := range []string{`used\s+0.5`, `left\s+2.5`, `limit\s+3`, `given anew at\s+\d{4}-\d\d-01T00:00:00Z`, `features\s+smart_parser, `} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("no %s in:\n%s", want, text)
		}
	}
	a.api.SetCredits(-1)
	if text := a.ask(t, "credits").wantDone(t); !regexp.MustCompile(`left\s+unlimited\nlimit\s+none`).MatchString(text) {
		t.Errorf("unlimited:\n%s", text)
	}
	if got := decode[found](t, a.ask(t, "credits", "--json").wantDone(t)); !got.Unlimited || got.Remaining != nil {
		t.Errorf("unlimited: %+v", got)
	}
}

func TestAccount_Usage(t *testing.T) {
	t.Parallel()
	a := setupAccount(t)
	type call struct {
		At         *time.Time `json:"at"`
		Feature    string     `json:"feature"`
		Path       string     `json:"path"`
		StatusCode int        `json:"status_code"`
		Credits    *string    `json:"credits"`
		RequestID  string     `json:"request_id"`
	}
	got := decode[[]call](t, a.ask(t, "usage", "--json").wantDone(t))
	if len(got) != 2 || got[0].RequestID != a.second || got[1].RequestID != a.first || *got[1].Credits != "0.5" || got[1].At == nil {
		t.Fatalf("got %+v", got)
	}
	text := a.ask(t, "usage", "--since", "1h").wantDone(t)
	if !regexp.MustCompile(`(?m)^AT +FEATURE +PATH +STATUS +CREDITS +REQUEST$`).MatchString(text) ||
		!regexp.MustCompile(`(?m)^20\S+Z +kfintech_cas_generator +/v4/kfintech/generate +200 +0.5 +`+a.first+`$`).MatchString(text) {
		t.Errorf("got:\n%s", text)
	}
	one := a.ask(t, "usage", "--limit", "1")
	if one.code != 0 || strings.Count(one.stdout, "\n") != 2 || one.stderr != "enqueuer: these are 1 calls, there may be more: see --limit and --since\n" {
		t.Errorf("one: %+v", one)
	}
	other := a
	other.keyFile = secretFile(t, sandbox.SandboxKey)
	if text := other.ask(t, "usage", "--api-allow-sandbox").wantDone(t); text != "no calls\n" {
		t.Errorf("without calls: %q", text)
	}
	if text := other.ask(t, "usage", "--json", "--api-allow-sandbox").wantDone(t); text != "[]\n" {
		t.Errorf("without calls: %q", text)
	}
}

func TestAccount_Summary(t *testing.T) {
	t.Parallel()
	a := setupAccount(t)
	want := "{\n  \"credits\": \"0.5\",\n  \"requests\": 2,\n  \"by_feature\": [\n" +
		"    {\n      \"feature\": \"kfintech_cas_generator\",\n      \"credits\": \"0.5\",\n      \"requests\": 1\n    },\n" +
		"    {\n      \"feature\": \"cdsl_cas_fetch\",\n      \"credits\": \"0.0\",\n      \"requests\": 1\n    }\n  ]\n}\n"
	if diff := cmp.Diff(want, a.ask(t, "summary", "--since", "1h", "--json").wantDone(t)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	text := strings.Join(strings.Fields(a.ask(t, "summary", "--since", "24h").wantDone(t)), " ")
	if want := "FEATURE CALLS CREDITS kfintech_cas_generator 1 0.5 cdsl_cas_fetch 1 0.0 all 2 0.5"; text != want {
		t.Errorf("got %q, want %q", text, want)
	}
}

func TestAccount_Token(t *testing.T) {
	t.Parallel()
	a := setupAccount(t)
	token := strings.TrimSuffix(a.ask(t, "token").wantDone(t), "\n")
	if !regexp.MustCompile(`^at_[A-Z0-9]+$`).MatchString(token) {
		t.Fatalf("got %q", token)
	}
	type made struct {
		AccessToken string    `json:"access_token"`
		TokenType   string    `json:"token_type"`
		ExpiresAt   time.Time `json:"expires_at"`
	}
	got := decode[made](t, a.ask(t, "token", "--minutes", "5", "--json").wantDone(t))
	if left := time.Until(got.ExpiresAt); got.TokenType != "api_key" || left > 5*time.Minute || left < 4*time.Minute {
		t.Errorf("got %+v", got)
	}
	verify := func(token string, flags ...string) result {
		return run(t, append([]string{"account", "verify", "--api-base-url", a.url, "--token-file", secretFile(t, token)}, flags...)...)
	}
	if text := verify(token).wantDone(t); !regexp.MustCompile(`(?s)^valid +yes\nkey +sk_h\*{4}6789\nuntil +20.*Z\n$`).MatchString(text) {
		t.Errorf("verify: %q", text)
	}
	a.api.RevokeTokens()
	verify(token).wantFaults(t, 1, "the access token is not valid: Invalid token")
	told := verify(token, "--json")
	if told.code != 1 || told.stdout != "{\n  \"valid\": false,\n  \"masked_api_key\": \"\",\n  \"error\": \"Invalid token\",\n  \"expires_at\": null\n}\n" {
		t.Errorf("verify --json: %+v", told)
	}
	if strings.Contains(told.stderr, token) {
		t.Error("tells the token")
	}
}

func TestAccount_Faults(t *testing.T) {
	t.Parallel()
	a := setupAccount(t)
	const noKey = "CASPARSER_API_KEY: not set, nor is CASPARSER_API_KEY_FILE"
	for _, test := range []struct {
		words  []string
		code   int
		faults []string
	}{
		{[]string{"account", "credits"}, 2, []string{noKey}},
		{[]string{"account", "usage", "--limit", "501", "--since", "0s", "--api-base-url", "x"}, 2, []string{
			noKey, "--limit: is 501", "--since: is 0s", "CASPARSER_BASE_URL (--api-base-url)",
		}},
		{[]string{"account", "summary", "--since=-1h"}, 2, []string{noKey, "--since: is -1h"}},
		{[]string{"account", "token", "--minutes", "0"}, 2, []string{noKey, "--minutes: is 0; expected 1 to 60"}},
		{[]string{"account", "verify"}, 2, []string{"CASPARSER_TOKEN: not set, nor is CASPARSER_TOKEN_FILE (--token-file)"}},
		{[]string{"account", "credits", "--api-key", "x"}, 2, []string{"unknown flag --api-key"}},
		{[]string{"account", "credits", "--api-base-url", a.url, "--api-key-file", secretFile(t, "wrong")}, 1, []string{"/v1/credits: unauthorized: status 401"}},
	} {
		run(t, test.words...).wantFaults(t, test.code, test.faults...)
	}
	a.api.FailPath("/v1/usage/summary", sandbox.Fault{Status: 503})
	a.ask(t, "summary").wantFaults(t, 1, "/v1/usage/summary: unavailable: status 503")
}
