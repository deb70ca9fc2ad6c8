package enqueuercli_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"casflow/cmd/enqueuer/enqueuercli"
	"casflow/internal/casapi/sandbox"
	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// standing is what status --json writes.
type standing struct {
	Documents        map[string]int       `json:"documents"`
	Dead             map[string]int       `json:"dead"`
	Discarded        int                  `json:"discarded"`
	Unknown          int                  `json:"attempts_unknown"`
	CreditsSpent     string               `json:"credits_spent"`
	OldestPending    map[string]time.Time `json:"oldest_pending"`
	FinishedLately   int                  `json:"finished_last_minute"`
	Left             int                  `json:"left"`
	ETASeconds       int                  `json:"eta_seconds"`
	CreditsRemaining string               `json:"credits_remaining"`
	Today            storage.Day          `json:"today"`
	Batch            *storage.Batch       `json:"batch"`
}

// prepare gives the ledger two pending documents of the batch may, and one that
// is at a worker and one that is dead of none.
func (l lab) prepare(t *testing.T) {
	t.Helper()
	l.record(t, "may", "a.pdf", "b.pdf")
	ids := l.record(t, "", "c.pdf", "d.pdf")
	l.claim(t, ids[0])
	l.kill(t, ids[1], storage.ReasonWrongPassword)
	// Today, also where a day begins meanwhile.
	storagetest.Rows(t, l.url, "DELETE FROM cas.call_changes")
	storagetest.Rows(t, l.url, `
INSERT INTO cas.budget_days (day, calls, max_credits, interactive_floor)
SELECT (now() AT TIME ZONE 'Asia/Kolkata')::date + n, 1, 9, 8 FROM generate_series(-1, 1) AS n
ON CONFLICT (day) DO UPDATE SET calls = 1, max_credits = 9, interactive_floor = 8`)
	// In the last minute, however long the test takes.
	storagetest.Rows(t, l.url, "UPDATE cas.documents SET finished_at = now() + interval '1 hour' WHERE status = 'dead'")
}

func TestStatus_JSON(t *testing.T) {
	t.Parallel()
	l := setup(t)
	l.prepare(t)
	for _, test := range []struct {
		name  string
		flags []string
		want  standing
	}{
		{"all", nil, standing{
			Documents: map[string]int{"pending": 2, "calling": 1, "dead": 1}, Dead: map[string]int{"wrong_password": 1},
			CreditsSpent: "1.5", OldestPending: map[string]time.Time{"bulk": {}}, FinishedLately: 1, Left: 3, ETASeconds: 180,
			Today: storage.Day{Calls: 1, Credits: "1", MaxCredits: 9, InteractiveFloor: 8},
		}},
		{"batch", []string{"--batch", "may"}, standing{
			Documents: map[string]int{"pending": 2}, Dead: map[string]int{}, CreditsSpent: "0",
			OldestPending: map[string]time.Time{"bulk": {}}, Left: 2, Today: storage.Day{Calls: 1, Credits: "1", MaxCredits: 9, InteractiveFloor: 8}, Batch: &storage.Batch{Name: "may", Total: 2, Credits: "0"},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := decode[standing](t, l.ask(t, append([]string{"status", "--json"}, test.flags...)...).wantDone(t))
			if diff := cmp.Diff(test.want, got, cmpopts.IgnoreTypes(time.Time{})); diff != "" {
				t.Errorf("status (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStatus_Text(t *testing.T) {
	t.Parallel()
	l := setup(t)
	l.prepare(t)
	got := l.ask(t, "status").wantDone(t)
	var lines []string
	for line := range strings.Lines(got) {
		line, _, _ = strings.Cut(line, "oldest waits since 20")
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	want := []string{
		"pending 2", "queued 0", "calling 1", "answered 0", "parsed 0", "dead 1", "wrong_password 1",
		"finished in the last minute 1", "done in about 3m0s", "credits spent 1.5", "credits of today's budget 1 of 9 bulk waits for tomorrow (India): the rest is for interactive",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	if !strings.Contains(got, "oldest waits since 20") {
		t.Errorf("status does not tell how long the oldest waits:\n%s", got)
	}
	if got := l.ask(t, "status", "--batch", "may").wantDone(t); !fits(got, "done in about +unknown +nothing finished in the last minute") {
		t.Errorf("without pace the end is unknown, but status tells:\n%s", got)
	}
}

func TestStatus_Credits(t *testing.T) {
	t.Parallel()
	l := setup(t)
	const key = "sk_" + hush // must not be told either
	for _, test := range []struct {
		name    string
		credits int
		flags   []string
		want    string // "" no line
	}{
		{"no key", 12, nil, ""},
		{"some", 12, []string{"--api-key", key}, "12"},
		{"unlimited", -1, []string{"--api-key", key}, "unlimited"},
		{"refused", 12, []string{"--api-key", key + "-other"}, "unknown: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			api := httptest.NewServer(sandbox.New(sandbox.Config{Key: key, Credits: test.credits}))
			t.Cleanup(api.Close)
			words := append([]string{"status", "--api-base-url", api.URL}, test.flags...)
			got := decode[standing](t, l.ask(t, append(words, "--json")...).wantDone(t)).CreditsRemaining
			if !strings.HasPrefix(got, test.want) || test.want == "" && got != "" {
				t.Errorf("credits_remaining is %q, want %q", got, test.want)
			}
			text := l.ask(t, words...).wantDone(t)
			want := strings.TrimSuffix(test.want, ": ") // why is in a column of its own
			if _, line, ok := strings.Cut(text, "credits left"); ok != (test.want != "") || !strings.HasPrefix(strings.TrimSpace(line), want) {
				t.Errorf("status tells of credits left: %t, want %q:\n%s", ok, test.want, text)
			}
		})
	}
}

// TestStatus_LongError: however much the API says, no line gets wider than a terminal, and
// nothing of it is left out.
func TestStatus_LongError(t *testing.T) {
	t.Parallel()
	l := setup(t)
	message := strings.TrimSpace(strings.Repeat("the service is being moved elsewhere ", 8))
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"status":"failed","message":"`+message+`"}`)
	}))
	t.Cleanup(api.Close)
	text := l.ask(t, "status", "--api-base-url", api.URL, "--api-key", "sk_"+hush).wantDone(t)
	for line := range strings.Lines(text) {
		if line = strings.TrimSuffix(line, "\n"); len(line) > 125 || strings.TrimRight(line, " ") != line {
			t.Errorf("a line of %d columns:\n%s", len(line), line)
		}
	}
	if told := strings.Join(strings.Fields(text), " "); !strings.Contains(told, message) {
		t.Errorf("status does not tell what the API said:\n%s", text)
	}
}

// lineWriter hands on what is written.
type lineWriter chan string

func (w lineWriter) Write(text []byte) (int, error) {
	w <- string(text)
	return len(text), nil
}

func TestStatus_WatchEnds(t *testing.T) {
	t.Parallel()
	l := setup(t)
	id := l.record(t, "", "a.pdf")[0]
	shown, done := make(lineWriter), make(chan int, 1)
	go func() {
		defer close(shown)
		done <- enqueuercli.Run(t.Context(), []string{"status", "--watch", "--every", "1ms", "--database-url", l.url}, shown, io.Discard)
	}()
	for range 3 { // it goes on while there is something left
		if text := <-shown; !strings.Contains(text, "done in about") {
			t.Errorf("status tells nothing of what is left:\n%s", text)
		}
	}
	l.kill(t, id, storage.ReasonNotAPDF)
	last := ""
	for text := range shown {
		last = text
	}
	if code := <-done; code != 0 || !strings.Contains(last, "not_a_pdf") || strings.Contains(last, "done in about") {
		t.Errorf("exit code %d, want 0 after the end was shown, but the last was:\n%s", code, last)
	}
	if got := l.ask(t, "status", "--watch", "--every", "1h").wantDone(t); got == "" {
		t.Error("nothing was shown where nothing is left")
	}
}
