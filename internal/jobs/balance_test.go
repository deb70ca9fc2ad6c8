package jobs

import (
	"errors"
	"testing"
	"time"

	"casflow/internal/casapi"
	"casflow/internal/storage/storagetest"
)

// TestBalance: what answers tell is passed on by whoever heard it; where none tells
// anything, the leader asks, and not all the time.
func TestBalance(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	metrics, _ := newMetrics()
	asked, told := 0, casapi.Credits{Remaining: "12.5"}
	var refused error
	leads := false
	b := &balance{
		db: db, metrics: metrics, logger: quiet(), leads: func() bool { return leads }, limiter: NewLimiter(newRedis(t), "key", 0, time.Minute),
		api: fakeCredits(func() (*casapi.Credits, error) { asked++; return &told, refused }),
	}
	look := func(step string, wantAsked int, want string) {
		t.Helper()
		if err := b.look(t.Context()); !errors.Is(err, refused) {
			t.Errorf("%s: %v, want %v", step, err, refused)
		}
		standing, err := db.Standing(t.Context(), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if asked != wantAsked || standing.Credits != want {
			t.Errorf("%s: asked %d times, the ledger has %q, want %d and %q", step, asked, standing.Credits, wantAsked, want)
		}
	}
	later := func() {
		storagetest.Rows(t, address, `UPDATE cas.account SET credits_at = now() - interval '10 minutes'`)
	}
	look("standing by", 0, "")
	leads = true
	look("leading", 1, "12.5")
	look("at once", 1, "12.5")
	metrics.credits("1", "11.5")
	look("heard", 1, "11.5")
	later()
	told.Remaining = "7"
	look("later", 2, "7")
	later()
	told = casapi.Credits{Unlimited: true}
	look("unlimited", 3, "")
	later()
	refused = casapi.ErrUnavailable
	look("no answer", 4, "")
	look("no answer again", 5, "")
	leads, refused = false, nil
	metrics.credits("", "0")
	look("heard as one of many", 5, "0")
}
