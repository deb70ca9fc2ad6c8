package casapi_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/casapi"
	"casflow/internal/casapi/sandbox"
	"casflow/internal/redact"
	"casflow/internal/samples"
)

// standIn starts the strict stand-in and a client of it.
func standIn(t *testing.T, config sandbox.Config, changes ...func(*casapi.Config)) (*sandbox.Sandbox, *casapi.Client) {
	t.Helper()
	config.Key = testKey
	api := sandbox.New(config)
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	return api, newClient(t, append(changes, func(c *casapi.Config) { c.BaseURL = server.URL })...)
}

// parse sends a PDF and returns the answer's cost.
func parse(t *testing.T, client *casapi.Client, endpoint casapi.Endpoint, pdf []byte, password string) *casapi.Answer {
	t.Helper()
	answer, err := client.Parse(t.Context(), casapi.Request{
		Endpoint: endpoint, PDF: bytes.NewReader(pdf), Size: int64(len(pdf)), Password: redact.Secret(password),
	})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// TestClient_StandIn_ContractNote: a sample is sent, and comes back as what it says.
func TestClient_StandIn_ContractNote(t *testing.T) {
	t.Parallel()
	_, client := standIn(t, sandbox.Config{Credits: 5})
	for s := range samples.GenerateContractNotes(samples.Options{Investors: 2, Seed: 6, MaxBytes: 40_000}) {
		pdf, err := s.PDF()
		if err != nil {
			t.Fatal(err)
		}
		answer := parse(t, client, casapi.ContractNoteParse, pdf, s.Password)
		if answer.CreditsUsed != "0.5" || !bytes.Equal(answer.Body, s.Answer) {
			t.Errorf("%s: %d bytes for %s credits", s.Filename, len(answer.Body), answer.CreditsUsed)
		}
		note, err := casapi.DecodeContractNote(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		if number, _ := note.Info.ContractNoteNumber.Text(); number != s.ContractNote.Info.Number {
			t.Errorf("%s: number %q, want %s", s.Filename, number, s.ContractNote.Info.Number)
		}
	}
}

// TestClient_StandIn_CDSL: from an OTP to a statement.
func TestClient_StandIn_CDSL(t *testing.T) {
	t.Parallel()
	_, client := standIn(t, sandbox.Config{Credits: 5})
	session, err := client.CDSLFetch(t.Context(), casapi.CDSLFetchRequest{PAN: testPAN, BOID: testBOID, DateOfBirth: "1980-01-31"})
	if err != nil || session.ID == "" || session.Message == "" {
		t.Fatalf("session %+v, %v", session, err)
	}
	request := casapi.CDSLVerifyRequest{SessionID: session.ID, OTP: "0000", Periods: 2}
	_, err = client.CDSLVerify(t.Context(), request)
	assertFailed(t, err, casapi.ErrBadRequest, nil, false)
	request.OTP = sandbox.DefaultOTP
	found, err := client.CDSLVerify(t.Context(), request)
	if err != nil || len(found.Files) != 2 || found.CreditsUsed != "0.5" {
		t.Fatalf("files %+v, %v", found, err)
	}
	_, err = client.CDSLVerify(t.Context(), request)
	assertFailed(t, err, casapi.ErrNotFound, nil, false)
	var pdf bytes.Buffer
	if _, err := client.Download(t.Context(), found.Files[0], &pdf); err != nil {
		t.Fatal(err)
	}
	statement, err := casapi.DecodeStatement(parse(t, client, casapi.CDSLParse, pdf.Bytes(), testPAN).Body)
	if err != nil {
		t.Fatal(err)
	}
	if pan, _ := statement.Investor.PAN.Text(); pan != testPAN {
		t.Errorf("the statement is of another PAN")
	}
}

// TestClient_StandIn_Inbox: from a mailbox to a statement, and out again.
func TestClient_StandIn_Inbox(t *testing.T) {
	t.Parallel()
	api, client := standIn(t, sandbox.Config{Credits: 5})
	connection, err := client.InboxConnect(t.Context(), casapi.InboxConnectRequest{RedirectURI: "http://127.0.0.1/back", State: "s"})
	if err != nil || connection.Provider != "gmail" || time.Until(connection.Expires) < 9*time.Minute {
		t.Fatalf("connection %+v, %v", connection, err)
	}
	token := consent(t, connection.OAuthURL)
	state, err := client.InboxStatus(t.Context(), token)
	if err != nil || !state.Connected || state.Email == "" {
		t.Fatalf("state %+v, %v", state, err)
	}
	found, err := client.InboxFiles(t.Context(), token, casapi.InboxQuery{CASTypes: []string{"cams", "cdsl"}})
	if err != nil || len(found.Files) != 2 || found.CreditsUsed != "0.2" {
		t.Fatalf("files %+v, %v", found, err)
	}
	for _, file := range found.Files {
		var pdf bytes.Buffer
		n, err := client.Download(t.Context(), file.File, &pdf)
		if err != nil || n != file.Size || file.MessageID == "" || time.Until(file.Expires) < 23*time.Hour || file.MessageDate.IsZero() {
			t.Fatalf("file %+v of %d bytes, %v", file, n, err)
		}
		parse(t, client, casapi.SmartParse, pdf.Bytes(), sandbox.MailboxPAN)
	}
	if _, err := client.InboxDisconnect(t.Context(), token); err != nil {
		t.Error(err)
	}
	_, err = client.InboxFiles(t.Context(), token, casapi.InboxQuery{})
	assertFailed(t, err, casapi.ErrReconnect, nil, false)

	// What all of that cost is in the log, and in its summary.
	logged, err := client.Usage(t.Context(), casapi.UsageQuery{})
	if err != nil {
		t.Fatal(err)
	}
	var features []string
	for _, entry := range logged {
		features = append(features, entry.Feature+" "+entry.Credits)
	}
	want := []string{
		"inbox_pull 0.2", "inbox_disconnect 0.0", "smart_parser 1.0", "smart_parser 1.0", "inbox_pull 0.2", "inbox_status 0.0", "inbox_connect 0.0",
	}
	if !slices.Equal(features, want) {
		t.Errorf("log %q, want %q", features, want)
	}
	summary, err := client.UsageSummary(t.Context(), time.Time{}, time.Time{})
	if err != nil || summary.TotalCredits != "2.4" || summary.TotalRequests != 7 || len(summary.ByFeature) != 5 {
		t.Errorf("summary %+v, %v", summary, err)
	}
	if got := api.Totals(); got != (sandbox.Count{Calls: 2, Billed: 2}) {
		t.Errorf("totals %+v", got)
	}
}

// consent is what the owner of a mailbox does in a browser.
func consent(t *testing.T, link redact.Secret) (token redact.Secret) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link.Reveal(), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := browser.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	back, err := url.Parse(response.Header.Get("Location"))
	if err != nil || back.Query().Get("state") != "s" {
		t.Fatalf("sent back to %v, %v", back, err)
	}
	return redact.Secret(back.Query().Get("inbox_token"))
}

// TestClient_StandIn_Mailback: mails are asked for by whichever path is there, and
// never twice.
func TestClient_StandIn_Mailback(t *testing.T) {
	t.Parallel()
	api, client := standIn(t, sandbox.Config{Credits: 5}, func(c *casapi.Config) { c.AccessTokens = true })
	api.FailPath(sandbox.KFintechGenerate, sandbox.Fault{Status: http.StatusNotFound, Times: -1})
	for range 2 {
		receipt, err := client.Generate(t.Context(), goodMailback())
		if err != nil || receipt.CreditsUsed != "0.5" {
			t.Fatalf("receipt %+v, %v", receipt, err)
		}
	}
	api.FailPath(sandbox.Generate, sandbox.Fault{Cut: true, Billed: true})
	_, err := client.Generate(t.Context(), goodMailback())
	assertFailed(t, err, casapi.ErrUnavailable, nil, true)
	want := sandbox.Mailback{
		Path: sandbox.Generate, Email: "zed@example.invalid", From: "2025-04-01", To: "2025-04-30", PAN: testPAN, Password: testPassword,
	}
	if diff := cmp.Diff([]sandbox.Mailback{want, want, want}, api.Mailbacks()); diff != "" {
		t.Errorf("mails (-want +got):\n%s", diff)
	}
}

// TestClient_StandIn_SandboxKey: the API's own sandbox answers without credits.
func TestClient_StandIn_SandboxKey(t *testing.T) {
	t.Parallel()
	_, client := standIn(t, sandbox.Config{}, func(c *casapi.Config) {
		c.APIKey = func() redact.Secret { return sandbox.SandboxKey }
	})
	answer := parse(t, client, casapi.NSDLParse, []byte("%PDF-1.7 whatever"), "any")
	statement, err := casapi.DecodeStatement(answer.Body)
	if err != nil || answer.CreditsUsed != "0.0" {
		t.Fatalf("%v for %s credits", err, answer.CreditsUsed)
	}
	if kind, _ := statement.Meta.CASType.Text(); kind != "NSDL" {
		t.Errorf("a statement of %s", kind)
	}
	if credits, err := client.Credits(t.Context()); err != nil || !credits.Unlimited {
		t.Errorf("credits %+v, %v", credits, err)
	}
}
