package enqueuercli_test

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"casflow/cmd/enqueuer/enqueuercli"
)

// visit opens an address as a browser does, and returns where it ends.
func visit(t *testing.T, address string) (status int, text string) {
	t.Helper()
	response, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	page, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(page)
}

// connecting is inbox connect, waiting for the owner of the mailbox.
type connecting struct {
	address string // of the page where access is given
	stdout  bytes.Buffer
	ended   chan int
	stderr  *io.PipeReader
}

func (o office) connecting(t *testing.T, tokenTo string, flags ...string) *connecting {
	t.Helper()
	reader, writer := io.Pipe()
	c := &connecting{ended: make(chan int, 1), stderr: reader}
	args := slices.Concat([]string{"inbox", "connect", "--token-to", tokenTo}, o.account(), flags)
	go func() {
		c.ended <- enqueuercli.Run(t.Context(), args, &c.stdout, writer)
		_ = writer.Close()
	}()
	note := make([]byte, 1000)
	n, err := reader.Read(note)
	if err != nil {
		t.Fatal(err)
	}
	c.address = regexp.MustCompile(`http://\S+/oauth/\S+`).FindString(string(note[:n]))
	if c.address == "" {
		t.Fatalf("no address in %q", note[:n])
	}
	return c
}

// end waits for the program and returns what it wrote to stderr.
func (c *connecting) end(t *testing.T) (code int, stderr string) {
	t.Helper()
	text, err := io.ReadAll(c.stderr)
	if err != nil {
		t.Fatal(err)
	}
	return <-c.ended, string(text)
}

// From nothing to an import, as somebody at a terminal does it.
func TestInbox_Connect(t *testing.T) {
	t.Parallel()
	o := setupOffice(t)
	tokenFile := filepath.Join(t.TempDir(), "token")
	c := o.connecting(t, tokenFile, "--provider", "outlook")
	if status, page := visit(t, c.address); status != http.StatusOK || !strings.Contains(page, "is connected") {
		t.Errorf("the browser ends at %d, %q", status, page)
	}
	if code, stderr := c.end(t); code != 0 || stderr != "" || c.stdout.String() != "connected investor@example.invalid; its token is in "+tokenFile+"\n" {
		t.Fatalf("exit code %d, stdout %q, stderr %q", code, c.stdout.String(), stderr)
	}
	if info, err := os.Stat(tokenFile); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the token's file is %v, %v, want it for its owner alone", info, err)
	}
	text := o.call(t, "inbox", "status", "--inbox-token-file", tokenFile).wantDone(t)
	if got, want := strings.Join(strings.Fields(text), " "), "connected yes provider outlook mailbox investor@example.invalid"; got != want {
		t.Errorf("status tells %q, want %q", got, want)
	}
	mailbox{office: o, tokenFile: tokenFile, token: "it_"}.imports(t).wantDone(t)
	o.wantCount(t, 3)
}

// Somebody who does not know the state is not let in; who refuses ends it.
func TestInbox_Connect_Denied(t *testing.T) {
	t.Parallel()
	o := setupOffice(t)
	tokenFile := filepath.Join(t.TempDir(), "token")
	c := o.connecting(t, tokenFile)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Get(c.address + "?deny")
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	back, err := url.Parse(response.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	stranger := *back
	stranger.RawQuery = "inbox_token=it_other&state=guessed"
	if status, _ := visit(t, stranger.String()); status != http.StatusNotFound {
		t.Errorf("a stranger is answered %d, want 404", status)
	}
	if status, page := visit(t, back.String()); status != http.StatusOK || !strings.Contains(page, "was not given") {
		t.Errorf("the browser ends at %d, %q", status, page)
	}
	if code, stderr := c.end(t); code != 1 || !tells(stderr, `access was not given ("access_denied"); run the command again`) {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	if entries, err := os.ReadDir(filepath.Dir(tokenFile)); err != nil || len(entries) != 0 {
		t.Errorf("files are left: %v, %v", entries, err)
	}
}

// For a service of one's own.
func TestInbox_Connect_Redirect(t *testing.T) {
	t.Parallel()
	o := setupOffice(t)
	flags := []string{"inbox", "connect", "--redirect-uri", "https://app.example.invalid/back", "--state", "s-1", "--provider", "zoho"}
	type found struct {
		OAuthURL  string `json:"oauth_url"`
		ExpiresAt string `json:"expires_at"`
		Provider  string `json:"provider"`
	}
	got := decode[found](t, o.call(t, append(flags, "--json")...).wantDone(t))
	if !strings.HasPrefix(got.OAuthURL, o.url+"/oauth/") || got.ExpiresAt == "" || got.Provider != "zoho" {
		t.Errorf("got %+v", got)
	}
	if text := o.call(t, flags...).wantDone(t); !strings.HasPrefix(text, o.url+"/oauth/") || strings.Count(text, "\n") != 1 {
		t.Errorf("got %q", text)
	}
}
