package workercli_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/devstack"
	"casflow/internal/storage/storagetest"
)

// warnings are what a worker has logged of its checks at start, as "check: found".
func (r result) warnings(t *testing.T) map[string]string {
	t.Helper()
	warnings := map[string]string{}
	for _, text := range r.logged {
		var line struct {
			Level string `json:"level"`
			Msg   string `json:"msg"`
			Check string `json:"check"`
			Found string `json:"found"`
		}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("line of log %s: %v", text, err)
		}
		if line.Msg == "checked at start" && line.Level == "WARN" {
			warnings[line.Check] = line.Found
		}
	}
	return warnings
}

// A worker does not start on a Redis that throws tasks away, and says so in one
// line, unless it is forced: then it says so in its log.
func TestRun_EvictingRedis(t *testing.T) {
	t.Parallel()
	args := append([]string{"run"}, settings(t, storagetest.URL(t))...)
	args = slices.Clip(append(args, "--redis-url", evicting(t), "--drain"))
	r := run(t, args...)
	r.wantFaults(t, 1, "not started on this Redis: redis-policy: maxmemory-policy is allkeys-lru...set it to noeviction (--force or CASFLOW_FORCE_START=true")
	if got := r.warnings(t); len(got) > 0 {
		t.Errorf("warnings %v of a worker that did not start, want none", got)
	}
	got := run(t, append(args, "--force")...).wantDone(t).warnings(t)
	if !strings.HasPrefix(got["redis-policy"], "maxmemory-policy is allkeys-lru") {
		t.Errorf("warnings %v, want one of the policy", got)
	}
}

// A full Redis is no reason not to start, because it loses nothing: the worker waits until
// there is room, and says so.
func TestRun_FullRedis(t *testing.T) {
	t.Parallel()
	args := append([]string{"run"}, settings(t, storagetest.URL(t))...)
	got := run(t, append(args, "--redis-url", full(t), "--drain")...).wantDone(t).warnings(t)
	if !strings.HasPrefix(got["redis-writes"], "a write is refused: OOM ") {
		t.Errorf("warnings %v, want one of the writes", got)
	}
}

// What is no reason not to start is logged; so is what a Redis does not tell.
func TestRun_StartWarnings(t *testing.T) {
	t.Parallel()
	standIn, err := devstack.StartMiniredis(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = standIn.Stop() })
	args := append([]string{"run"}, settings(t, storagetest.URL(t))...)
	args = slices.Clip(append(args, "--redis-url", standIn.URL, "--drain"))
	redis := []string{"redis", "redis-memory", "redis-persistence", "redis-policy"}
	for name, test := range map[string]struct {
		extra []string
		want  []string
	}{
		"NoCredits":   {nil, []string{"credits"}}, // of the settings
		"WrongKey":    {[]string{"--api-key", "sk_wrong_" + hush}, []string{"api"}},
		"Away":        {[]string{"--api-base-url", "http://" + nobody}, []string{"api"}},
		"Connections": {[]string{"--database-connections", "5000"}, []string{"credits", "postgres-connections"}},
	} {
		got := run(t, append(args, test.extra...)...).wantDone(t).warnings(t)
		delete(got, "tmpdir") // may have little room
		var checks []string
		for check := range got {
			checks = append(checks, check)
		}
		slices.Sort(checks)
		want := slices.Sorted(slices.Values(slices.Concat(redis, test.want)))
		if diff := cmp.Diff(want, checks); diff != "" {
			t.Errorf("%s: warnings (-want +got):\n%s", name, diff)
		}
	}
}
