package workercli_test

import (
	"bytes"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"casflow/cmd/worker/workercli"
	"casflow/internal/devstack"
	"casflow/internal/devtest"
)

// The servers that all tests share; each test has a database of its own.
var (
	redisServer *devstack.Redis
	s3Server    *devstack.S3
)

func TestMain(m *testing.M) { os.Exit(devtest.Main(m, &redisServer, &s3Server)) }

// hush is in every made-up secret of these tests, and in no output.
const hush = "hush"

// result is what a command came to.
type result struct {
	code   int
	stdout string
	logged []string // lines of stderr that are log
	told   []string // the others
}

// run runs the program as main does, and checks that it tells no secret.
func run(t *testing.T, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := workercli.Run(t.Context(), args, &stdout, &stderr)
	secrets := []string{hush, s3Server.SecretKey.Reveal()}
	for _, arg := range args {
		if u, err := url.Parse(arg); err == nil && u.User != nil {
			password, _ := u.User.Password()
			secrets = append(secrets, password)
		}
	}
	for _, secret := range secrets {
		if strings.Contains(stdout.String()+stderr.String(), secret) {
			t.Errorf("a secret is told:\n%s%s", &stdout, &stderr)
		}
	}
	r := result{code: code, stdout: stdout.String()}
	for line := range strings.Lines(stderr.String()) {
		if line = strings.TrimSuffix(line, "\n"); strings.HasPrefix(line, "{") {
			r.logged = append(r.logged, line)
			continue
		}
		r.told = append(r.told, line)
	}
	return r
}

// wantDone checks that the command succeeded with nothing to complain about.
func (r result) wantDone(t *testing.T) result {
	t.Helper()
	if r.code != 0 || len(r.told) > 0 {
		t.Fatalf("exit code %d, told %q, want 0 and nothing; log:\n%s", r.code, r.told, strings.Join(r.logged, "\n"))
	}
	return r
}

// wantFaults checks that the command failed with code, wrote no result, and told
// as many lines as there are faults; each holds the words, apart by "...", of one
// fault in this order.
func (r result) wantFaults(t *testing.T, code int, faults ...string) {
	t.Helper()
	if r.code != code || r.stdout != "" || len(r.told) != len(faults) {
		t.Errorf("exit code %d, stdout %q, %d faults, want %d, none, %d", r.code, r.stdout, len(r.told), code, len(faults))
	}
	for _, fault := range faults {
		if !slices.ContainsFunc(r.told, func(line string) bool { return tells(line, fault) }) {
			t.Errorf("no line tells %q", fault)
		}
	}
	if t.Failed() {
		t.Logf("told:\n%s", strings.Join(r.told, "\n"))
	}
}

func tells(line, fault string) bool {
	if !strings.HasPrefix(line, "worker: ") {
		return false
	}
	for words := range strings.SplitSeq(fault, "...") {
		_, rest, ok := strings.Cut(line, words)
		if !ok {
			return false
		}
		line = rest
	}
	return true
}
