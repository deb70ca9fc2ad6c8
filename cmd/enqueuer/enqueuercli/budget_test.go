package enqueuercli_test

import (
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

func TestScan_Batch(t *testing.T) {
	t.Parallel()
	l := setup(t)
	l.put(t, "in/a.pdf", "in/b.pdf", "in/c.pdf", "in/d.pdf")
	batch := func(want ...string) {
		t.Helper()
		got := storagetest.Rows(t, l.url, "SELECT batch, source, total, max_credits, calls, closed_at IS NOT NULL FROM cas.batches")
		if want == nil {
			if len(got) != 0 {
				t.Errorf("batches %v, want none", got)
			}
		} else if diff := cmp.Diff([][]string{want}, got); diff != "" {
			t.Errorf("batches (-want +got):\n%s", diff)
		}
	}
	l.scan(t, "in/", "--batch", "may", "--max-credits", "2", "--dry-run").wantDone(t)
	l.scan(t, "in/a").wantDone(t) // no batch
	batch()
	source := l.address("in")
	l.scan(t, "in/", "--batch", "may", "--max-credits", "2", "--limit", "2").wantDone(t)
	batch("may", source, "2", "2", "0", "f")
	l.scan(t, "in/", "--batch", "may").wantDone(t)
	batch("may", source, "3", "2", "0", "t")
	l.scan(t, "in/", "--batch", "may", "--max-credits", "9").wantDone(t)
	batch("may", source, "3", "9", "0", "t")
}

func TestScan_Balance(t *testing.T) {
	t.Parallel()
	const key = "sk_" + hush // must not be told either
	for _, test := range []struct {
		name      string
		credits   int
		key       string // "" none
		flags     []string
		cost      int
		remaining string // "" not told
		dryRun    string // the last line of the text
		warning   string // "" none
	}{
		{"no key", 1, "", nil, 0, "", "", ""},
		{"enough", 3, key, nil, 3, "3", "would cost at most 3 credits; the account has 3\n", ""},
		{"unlimited", -1, key, nil, 3, "unlimited", "would cost at most 3 credits; the account has unlimited\n", ""},
		{
			"too few", 2, key, nil, 3, "2", "would cost at most 3 credits; the account has 2\n",
			"the new documents may cost 3 credits, but the account has 2; those beyond wait until it has more",
		},
		{
			"half of it", 1, key, []string{"--kind", "contract_note"}, 2, "1", "would cost at most 2 credits; the account has 1\n", // 1.5 of them
			"the new documents may cost 2 credits, but the account has 1; those beyond wait until it has more",
		},
		{
			"enough for the batch", 1, key,
			[]string{"--batch", "may", "--max-credits", "1"},
			1, "1",
			"would cost at most 1 credit; the account has 1\n", "",
		},
		{
			"refused", 5, key + "-other", nil, 3, "unknown: ", "would cost at most 3 credits; the account has an unknown number (",
			"whether the credits suffice is not known: the account has an unknown number (",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := setup(t)
			l.put(t, "a.pdf", "b.pdf", "c.pdf")
			api := httptest.NewServer(sandbox.New(sandbox.Config{Key: key, Credits: test.credits}))
			t.Cleanup(api.Close)
			flags := append([]string{"--api-base-url", api.URL}, test.flags...)
			if test.key != "" {
				flags = append(flags, "--api-key", test.key)
			}
			check := func(r result) {
				t.Helper()
				if r.code != 0 || !strings.Contains(r.stderr, test.warning) || (r.stderr != "") != (test.warning != "") {
					t.Errorf("exit code %d, stderr %q, want 0 and %q", r.code, r.stderr, test.warning)
				}
			}
			text := l.scan(t, "", append(flags, "--dry-run")...)
			check(text)
			if _, last, _ := strings.Cut(text.stdout, "--password-from names sources\n"); !strings.HasPrefix(last, test.dryRun) || test.dryRun == "" && last != "" {
				t.Errorf("the dry run ends with %q, want %q", last, test.dryRun)
			}
			l.wantCount(t, 0)
			scanned := l.scan(t, "", append(flags, "--json")...)
			check(scanned)
			l.wantCount(t, 3) // all the same
			got := decode[summary](t, scanned.stdout)
			if (got.CostAtMost != nil) != (test.key != "") || got.CostAtMost != nil && *got.CostAtMost != test.cost {
				t.Errorf("cost_at_most is %v, want %d, or none without a key", got.CostAtMost, test.cost)
			}
			if !strings.HasPrefix(got.CreditsRemaining, test.remaining) || test.remaining == "" && got.CreditsRemaining != "" {
				t.Errorf("credits_remaining is %q, want %q", got.CreditsRemaining, test.remaining)
			}
		})
	}
}

func TestStatus_Batch(t *testing.T) {
	t.Parallel()
	l := setup(t)
	l.put(t, "a.pdf", "b.pdf")
	status := func(want string) {
		t.Helper()
		got := strings.Join(strings.Fields(l.ask(t, "status", "--batch", "may").wantDone(t)), " ")
		if !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("status is %q, want %q in it", got, want)
		}
	}
	l.scan(t, "a", "--batch", "may").wantDone(t)
	status("credits of the batch's budget 0 credits of today")
	l.scan(t, "", "--batch", "may", "--max-credits", "2").wantDone(t)
	status("credits of the batch's budget 0 of 2 credits of today")
	for _, row := range l.documents(t, "document_id") {
		l.kill(t, uuidOf(t, row[0]), storage.ReasonUnprocessable) // at 1.5 credits, so it counts
	}
	status("credits of the batch's budget 2 of 2 used up: scan again with a higher --max-credits to go on credits of today's budget [0-2] ?")
}

func uuidOf(t *testing.T, text string) uuid.UUID {
	t.Helper()
	id, err := uuid.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
