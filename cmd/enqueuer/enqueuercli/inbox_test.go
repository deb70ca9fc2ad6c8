package enqueuercli_test

import (
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// mailbox is a connected mailbox with the sandbox's mails: one of CDSL, one of NSDL
// and one of CAMS in the last 30 days, and an older one of KFintech.
type mailbox struct {
	office
	token, tokenFile string
}

func setupMailbox(t *testing.T) mailbox {
	t.Helper()
	m := mailbox{office: setupOffice(t)}
	m.token = m.api.ConnectInbox("gmail")
	m.tokenFile = secretFile(t, m.token)
	return m
}

func (m mailbox) imports(t *testing.T, flags ...string) result {
	t.Helper()
	r := run(t, slices.Concat([]string{"inbox", "import", "--inbox-token-file", m.tokenFile}, m.fetching(), flags)...)
	for _, secret := range []string{m.token, sandbox.MailboxPAN, "/files/"} {
		if strings.Contains(r.stdout+r.stderr, secret) {
			t.Errorf("%q is told:\n%s%s", secret, r.stdout, r.stderr)
		}
	}
	return r
}

func TestInbox_Import(t *testing.T) {
	t.Parallel()
	m := setupMailbox(t)
	dry := decode[[]brought](t, m.imports(t, "--dry-run", "--json").wantDone(t))
	if len(dry) != 3 || !dry[0].New || dry[0].Key != "" || m.downloads.Load() != 0 {
		t.Errorf("a dry run tells %+v after %d downloads", dry, m.downloads.Load())
	}
	first := decode[[]brought](t, m.imports(t, "--json", "--batch", "mail").wantDone(t))
	if len(first) != 3 || m.downloads.Load() != 3 {
		t.Fatalf("the import tells %+v after %d downloads, want three", first, m.downloads.Load())
	}
	form := regexp.MustCompile(`^in/inbox/[0-9a-f]{12}/[0-9a-f]{16}/(cdsl|nsdl|cams)_\d{4}-\d\d-\d\d_[0-9a-f]{16}\.pdf$`)
	for _, one := range first {
		if !form.MatchString(one.Key) || !strings.HasSuffix(one.Key, "/"+one.File) || !one.New || one.Status != "queued" {
			t.Errorf("the import tells %+v", one)
		}
		if !slices.Contains(tasks(t, storage.QueueInteractive), one.DocumentID) {
			t.Errorf("the task of %s is not in Redis", one.File)
		}
	}
	m.wantLeft(t, "4.6") // two listings

	// A second import downloads nothing, and enqueues nothing twice.
	second := decode[[]brought](t, m.imports(t, "--json").wantDone(t))
	for n := range first {
		first[n].New = false
	}
	byKey := func(a, b brought) int { return strings.Compare(a.Key, b.Key) }
	slices.SortFunc(first, byKey)
	slices.SortFunc(second, byKey)
	if diff := cmp.Diff(first, second); diff != "" || m.downloads.Load() != 3 {
		t.Errorf("after %d downloads the second import tells (-want +got):\n%s", m.downloads.Load(), diff)
	}
	want := [][]string{{"mail", "queued", "1"}, {"mail", "queued", "1"}, {"mail", "queued", "1"}}
	if diff := cmp.Diff(want, m.documents(t, "batch, status, delivery")); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}

	// An older mail, of one kind.
	from := time.Now().AddDate(0, 0, -60).Format(time.DateOnly)
	text := m.imports(t, "--from", from, "--type", "kfintech").wantDone(t)
	if strings.Count(text, "\n") != 1 || !strings.Contains(text, "  queued  kfintech_") {
		t.Errorf("an import of older mails tells %q", text)
	}
	if text := m.imports(t, "--from", "2001-01-01", "--until", "2001-01-02").wantDone(t); text != "no files\n" {
		t.Errorf("an import of no mails tells %q", text)
	}
}

// What is in S3 and not in the ledger, because the import was killed in between, is
// recorded by the next one without a download.
func TestInbox_Import_NotRecorded(t *testing.T) {
	t.Parallel()
	m := setupMailbox(t)
	m.imports(t).wantDone(t)
	m.db, m.lab.url = storagetest.NewURL(t)
	for _, one := range decode[[]brought](t, m.imports(t, "--json").wantDone(t)) {
		if !one.New || one.Status != "queued" {
			t.Errorf("the next import tells %+v, want a new document", one)
		}
	}
	if got := m.downloads.Load(); got != 3 {
		t.Errorf("%d downloads, want three", got)
	}
}

// A real kill, while files are on their way to S3.
func TestInbox_Import_Killed(t *testing.T) {
	t.Parallel()
	m := setupMailbox(t)
	var puts atomic.Int64
	struck := make(chan struct{})
	endpoint := between(t, func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut {
			return false
		}
		switch puts.Add(1) {
		case 1:
			return false
		case 2:
			close(struck)
		}
		_, _ = io.Copy(io.Discard, r.Body) // whoever hangs up is noticed only then
		<-r.Context().Done()
		return true
	})
	command, _ := program(t, slices.Concat([]string{"inbox", "import", "--batch", "killed"}, m.settings(),
		[]string{"--to", m.address("in"), "--api-base-url", m.url, "--s3-endpoint", endpoint})...)
	command.Env = append(command.Env, "CASPARSER_INBOX_TOKEN="+m.token, "CASPARSER_API_KEY="+accountKey)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	<-struck
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = command.Wait() // killed
	m.wantCount(t, 0)
	text := m.imports(t).wantDone(t)
	if strings.Count(text, "  queued  ") != 3 {
		t.Errorf("the next import tells\n%s", text)
	}
	m.wantCount(t, 3)
}

// Passwords are found by the names of attachments.
func TestInbox_Import_Passwords(t *testing.T) {
	t.Parallel()
	m := setupMailbox(t)
	m.api.Deliver(m.token, "cams", []byte(madePDF("x"))) // as statement.pdf
	m.imports(t, "--type", "cams", "--secret-key", secretKey, "--password-from", manifest(t, "key,password\nstatement.pdf,hush-x\n"),
		"--password-from", "env:"+passwordVariable).wantDone(t)
	got := [][]string{}
	for _, passwords := range m.passwords(t) {
		got = append(got, passwords)
	}
	slices.SortFunc(got, slices.Compare)
	if diff := cmp.Diff([][]string{{"hush-environment"}, {"hush-x", "hush-environment"}}, got); diff != "" {
		t.Errorf("passwords (-want +got):\n%s", diff)
	}
}

// A mailbox that is not connected costs nothing, and says what to do.
func TestInbox_Revoked(t *testing.T) {
	t.Parallel()
	m := setupMailbox(t)
	const reconnect = "mailbox must be connected anew: status 401...connect it with: enqueuer inbox connect"
	token := []string{"--inbox-token-file", m.tokenFile}
	if text := m.call(t, append([]string{"inbox", "disconnect"}, token...)...).wantDone(t); text != "Inbox disconnected\n" {
		t.Errorf("disconnect tells %q", text)
	}
	m.call(t, append([]string{"inbox", "status"}, token...)...).wantFaults(t, 1, "the mailbox is not connected; connect it with: enqueuer inbox connect")
	m.imports(t).wantFaults(t, 1, "the mailbox is not connected")
	m.api.RevokeInbox(m.token)
	m.call(t, append([]string{"inbox", "status", "--json"}, token...)...).wantFaults(t, 1, "/v4/inbox/status: "+reconnect)
	m.call(t, append([]string{"inbox", "disconnect"}, token...)...).wantFaults(t, 1, "/v4/inbox/disconnect: "+reconnect)
	m.imports(t).wantFaults(t, 1, "/v4/inbox/status: "+reconnect)
	m.wantLeft(t, "5")
}

func TestInbox_Usage(t *testing.T) {
	t.Parallel()
	o := setupOffice(t)
	const noToken = "CASPARSER_INBOX_TOKEN: not set, nor is CASPARSER_INBOX_TOKEN_FILE (--inbox-token-file)"
	run(t, slices.Concat([]string{"inbox", "import", "--from", "2025-04-31", "--until", "2025-04", "--type", "cdsl,CAMS", "--file-hosts", "https://x"}, o.fetching())...).wantFaults(t, 2,
		noToken, "--from: is not a date like 2025-04-30", "--until: is not a date", "--type: is not one of cdsl, nsdl, cams, kfintech",
		`CASPARSER_FILE_HOSTS (--file-hosts): has "https://x"; expected names of hosts alone`)
	run(t, slices.Concat([]string{"inbox", "import", "--from", "2025-04-30", "--until", "2025-04-01"}, o.fetching())...).wantFaults(t, 2,
		noToken, "--until: is not on or after --from")
	for _, word := range []string{"status", "disconnect"} {
		o.call(t, "inbox", word).wantFaults(t, 2, noToken)
	}
	o.call(t, "inbox", "connect", "--listen", "0.0.0.0:0", "--provider", "aol").wantFaults(t, 2,
		"give one of --token-to", "--listen: is no loopback address", "--provider: is not one of gmail, outlook, zoho")
	o.call(t, "inbox", "connect", "--redirect-uri", "app://back").wantFaults(t, 2, "--redirect-uri: is not an absolute http or https URL")
}
