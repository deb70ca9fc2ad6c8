package enqueuercli_test

import (
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"casflow/internal/casapi/sandbox"
)

const (
	cdslPAN  = "ZZZPZ0000Z"
	cdslBOID = "1299990000004321"
)

// session begins a fetch and returns its session.
func (o office) session(t *testing.T) string {
	t.Helper()
	r := o.call(t, "cdsl", "fetch", "--pan", cdslPAN, "--bo-id", cdslBOID, "--dob", "1980-01-31")
	id := strings.TrimSuffix(r.stdout, "\n")
	if r.code != 0 || id == "" || r.stderr != "enqueuer: OTP sent to the registered mobile number; redeem the OTP within some five minutes: enqueuer cdsl verify --session "+id+"\n" {
		t.Fatalf("fetch: %+v", r)
	}
	return id
}

func (o office) verify(t *testing.T, session, otp string, flags ...string) result {
	t.Helper()
	r := run(t, slices.Concat([]string{"cdsl", "verify", "--session", session, "--otp-file", secretFile(t, otp)}, o.fetching(), flags)...)
	for _, secret := range []string{otp, cdslPAN, cdslBOID, "/files/"} {
		if strings.Contains(r.stdout+r.stderr, secret) {
			t.Errorf("%q is told:\n%s%s", secret, r.stdout, r.stderr)
		}
	}
	return r
}

func TestCDSL(t *testing.T) {
	t.Parallel()
	o := setupOffice(t)
	session := o.session(t)
	r := o.verify(t, session, sandbox.DefaultOTP, "--dry-run")
	if r.code != 0 || !tells(r.stderr, "the OTP would be redeemed, and its files be put under "+o.address("in/cdsl/")) {
		t.Errorf("dry run: %+v", r)
	}
	o.verify(t, session, "999999").wantFaults(t, 1, "verify: bad request: status 400: Invalid OTP...; a wrong OTP may be tried again in the same session")
	o.wantLeft(t, "5")
	first := decode[[]brought](t, o.verify(t, session, sandbox.DefaultOTP, "--json", "--secret-key", secretKey, "--password-from", "env:"+passwordVariable).wantDone(t))
	if len(first) != 6 || first[0].Status != "queued" || !strings.HasPrefix(first[0].Key, "in/cdsl/") || !strings.HasSuffix(first[0].Key, "/"+first[0].File) {
		t.Fatalf("verify tells %+v, want six documents", first)
	}
	o.wantCount(t, 6)
	o.wantLeft(t, "4.5")
	for key, passwords := range o.passwords(t) {
		if !slices.Equal(passwords, []string{envPassword}) {
			t.Errorf("%s has the passwords %q", key, passwords)
		}
	}
	o.verify(t, session, sandbox.DefaultOTP).wantFaults(t, 1, "verify: not found: status 404...; the session is over: begin anew with: enqueuer cdsl fetch")

	// The same statements are the same documents.
	again := o.verify(t, o.session(t), sandbox.DefaultOTP, "--periods", "2").wantDone(t)
	if strings.Count(again, "queued (known)") != 2 {
		t.Errorf("fetched again:\n%s", again)
	}
	o.wantCount(t, 6)
}

// The OTP by standard input and by its variable, as the program takes it.
func TestCDSL_OTP(t *testing.T) {
	t.Parallel()
	o := setupOffice(t)
	for name, test := range map[string]struct{ stdin, variable, says string }{
		"Input":    {stdin: sandbox.DefaultOTP + "\n"},
		"Variable": {variable: sandbox.DefaultOTP},
		"None":     {says: "enqueuer: CASPARSER_OTP: not set, nor is CASPARSER_OTP_FILE (--otp-file), and standard input holds none; give the OTP in one of these ways\n"},
		"Unfit":    {stdin: "12 34", says: "enqueuer: the OTP: is not four to eight digits\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command, _ := program(t, slices.Concat([]string{"cdsl", "verify", "--session", o.session(t)}, o.fetching())...)
			command.Stdin = strings.NewReader(test.stdin)
			command.Env = append(command.Env, "CASPARSER_OTP="+test.variable)
			var stderr strings.Builder
			command.Stderr = &stderr
			_ = command.Run() // its exit code is looked at
			want := 0
			if test.says != "" {
				want = 2
			}
			if got := command.ProcessState.ExitCode(); got != want || stderr.String() != test.says {
				t.Errorf("exit code %d, stderr %q, want %d and %q", got, stderr.String(), want, test.says)
			}
		})
	}
}

// A fetch that fails is made once: each one sends an SMS.
func TestCDSL_Lost(t *testing.T) {
	t.Parallel()
	o := setupOffice(t)
	o.api.FailPath(sandbox.CDSLFetch, sandbox.Fault{Status: 504})
	o.call(t, "cdsl", "fetch", "--pan", strings.ToLower(cdslPAN), "--bo-id", cdslBOID, "--dob", "1980-01-31").wantFaults(t, 1,
		"/v4/cdsl/fetch: unavailable, outcome unknown: status 504...; an SMS may have been sent all the same: ask the account's owner")
	session := o.session(t)
	o.api.FailPath(sandbox.CDSLVerify, sandbox.Fault{Status: 504})
	o.verify(t, session, sandbox.DefaultOTP).wantFaults(t, 1, "outcome unknown: status 504...; the OTP may be spent, and half a credit with it")
	o.wantCount(t, 0)
}

// S3 is away for a moment after the OTP is spent: that is waited for. A file that
// cannot be had is named, and what to do.
func TestCDSL_Patience(t *testing.T) {
	t.Parallel()
	o := setupOffice(t)
	var puts atomic.Int64
	endpoint := between(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut || puts.Add(1) > 4 { // the AWS SDK tries three times
			return false
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	o.verify(t, o.session(t), sandbox.DefaultOTP, "--periods", "1", "--s3-endpoint", endpoint).wantDone(t)
	o.wantCount(t, 1)
	o.api.FailPath("/files/", sandbox.Fault{Status: 403})
	r := o.verify(t, o.session(t), sandbox.DefaultOTP, "--periods", "3")
	if r.code != 1 || strings.Count(r.stdout, "\n") != 2 || !tells(r.stderr, "cdsl_...: file: not found: status 403...its link is over") ||
		!tells(r.stderr, "the OTP is spent; what is missing can be had anew, from: enqueuer cdsl fetch") {
		t.Errorf("one file is gone: %+v", r)
	}
}

func TestCDSL_Usage(t *testing.T) {
	t.Parallel()
	o := setupOffice(t)
	o.call(t, "cdsl", "fetch").wantFaults(t, 2, "--pan: is not a PAN", "--bo-id: is not 16 digits", "--dob: is not a date like 2025-04-30")
	o.call(t, "cdsl", "fetch", "--pan", cdslPAN, "--bo-id", cdslBOID, "--dob", "2999-01-01").wantFaults(t, 2, "--dob: is not in the past")
	run(t, slices.Concat([]string{"cdsl", "verify", "--periods=-1", "--session", "a/b"}, o.fetching())...).wantFaults(t, 2,
		"--session: is not letters, digits and ._~-", "--periods: is not 0 (as many as the API gives) or more")
}
