package enqueuercli_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"casflow/internal/casapi/sandbox"
)

// What goes wrong with one file keeps none of the others back, and the next import
// mends it.
func TestInbox_Import_Faults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault  sandbox.Fault
		failed int
		says   string
	}{
		"Expired":     {sandbox.Fault{Status: 403, Body: "<Error>Request has expired</Error>"}, 1, "file: not found: status 403...its link is over: ask for the files anew"},
		"BreaksOff":   {sandbox.Fault{CutAfter: 2000}, 0, ""},
		"BrokenAll":   {sandbox.Fault{CutAfter: 2000, Times: 9}, 3, "file: unavailable"},
		"Unavailable": {sandbox.Fault{Status: 503}, 0, ""},
		"NoPDF":       {sandbox.Fault{Status: 200, Body: "<html>sign in</html>", Times: 9}, 3, "file: unavailable: status 200: what was answered is no PDF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := setupMailbox(t)
			m.api.FailPath("/files/", test.fault)
			r := m.imports(t)
			if test.failed == 0 {
				r.wantDone(t)
			} else if r.code != 1 || strings.Count(r.stderr, "\n") != test.failed || !tells(r.stderr, ".pdf: ..."+test.says) {
				t.Errorf("exit code %d, stderr %q, want 1 and %d times %q", r.code, r.stderr, test.failed, test.says)
			}
			m.wantCount(t, 3-test.failed)
			m.imports(t).wantDone(t)
			m.wantCount(t, 3)
		})
	}
}

// A mail whose attachment is no PDF fails each time, and alone.
func TestInbox_Import_NotAPDF(t *testing.T) {
	t.Parallel()
	m := setupMailbox(t)
	m.api.Deliver(m.token, "cdsl", []byte("<html>"))
	for range 2 {
		if r := m.imports(t); r.code != 1 || strings.Count(r.stdout, "\n") != 3 || !tells(r.stderr, ".pdf: file: unavailable: ...no PDF") {
			t.Errorf("exit code %d, stdout %q, stderr %q, want 1, three documents and a fault", r.code, r.stdout, r.stderr)
		}
		m.wantCount(t, 3)
	}
}

func TestInbox_Import_S3Away(t *testing.T) {
	t.Parallel()
	m := setupMailbox(t)
	var away atomic.Bool
	away.Store(true)
	endpoint := between(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut || !away.Load() {
			return false
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	r := m.imports(t, "--s3-endpoint", endpoint)
	r.wantFaults(t, 1, "cdsl_...: put object: bucket", "nsdl_...: put object: bucket", "cams_...: put object: bucket")
	m.wantCount(t, 0)
	away.Store(false)
	m.imports(t, "--s3-endpoint", endpoint).wantDone(t)
	m.wantCount(t, 3)
}
