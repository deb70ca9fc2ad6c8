package jobs

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"casflow/internal/storage"
)

// chance is how late things are, in [0, 3 ms), the same in each run.
type chance struct{ *rand.Rand }

func newChance() chance { return chance{rand.New(rand.NewPCG(1, 2))} }

func (c chance) late() time.Duration { return time.Duration(c.Int64N(int64(3 * time.Millisecond))) }

// simulate lets the askers ask for span of the clock's time, each again when as
// much time has passed as it said.
func simulate(clock *fakeClock, span time.Duration, askers ...func() (again time.Duration)) {
	next := slices.Repeat([]int64{clock.now.Load()}, len(askers))
	for end := next[0] + span.Microseconds(); slices.Min(next) < end; {
		first := slices.Index(next, slices.Min(next))
		clock.now.Store(next[first])
		next[first] += askers[first]().Microseconds()
	}
}

// backlog asks like a worker with nothing but bulk documents to do, and notes when
// it called.
func backlog(t *testing.T, l *Limiter, c chance, calls *[]time.Time) func() time.Duration {
	t.Helper()
	return func() time.Duration {
		granted, wait, err := l.ask(t.Context(), bulk)
		if err != nil {
			t.Fatal(err)
		}
		if !granted {
			return min(wait, longestNap) + c.late()
		}
		*calls = append(*calls, time.UnixMicro(l.clock()).Add(wait+c.late()))
		return time.Millisecond // then the next document asks
	}
}

// TestLimiter_Rate shows that a backlog uses all of the rate, and that the API
// never sees more than it permits in any 60 seconds.
func TestLimiter_Rate(t *testing.T) {
	t.Parallel()
	for perMinute, span := range map[int]time.Duration{60: 5 * time.Minute, 600: 150 * time.Second, 6000: 65 * time.Second} {
		t.Run(fmt.Sprint(perMinute), func(t *testing.T) {
			t.Parallel()
			limiters, clock := newLimiters(t, newRedis(t), perMinute, 3)
			c, calls := newChance(), []time.Time(nil)
			simulate(clock, span, backlog(t, limiters[0], c, &calls), backlog(t, limiters[1], c, &calls), backlog(t, limiters[2], c, &calls))
			slices.SortFunc(calls, time.Time.Compare)
			if most := crowd(calls); most > perMinute {
				t.Errorf("%d calls within 60 s, want at most %d", most, perMinute)
			}
			if least := int(span.Seconds()) * perMinute / 60 * 99 / 100; len(calls) < least {
				t.Errorf("%d calls in %s, want at least %d", len(calls), span, least)
			}
		})
	}
}

// TestLimiter_InteractiveSoon shows that an interactive document starts within
// two intervals while a bulk import takes all permits.
func TestLimiter_InteractiveSoon(t *testing.T) {
	t.Parallel()
	limiters, clock := newLimiters(t, newRedis(t), 600, 3)
	c, calls, waits := newChance(), []time.Time(nil), []time.Duration(nil)
	var waited time.Duration
	simulate(clock, time.Minute, backlog(t, limiters[0], c, &calls), backlog(t, limiters[1], c, &calls), func() time.Duration {
		granted, wait, err := limiters[2].ask(t.Context(), interactive)
		if err != nil {
			t.Fatal(err)
		}
		if !granted {
			wait += c.late()
			waited += wait
			return wait
		}
		waits = append(waits, waited+wait)
		waited = 0
		return 5*limiters[2].interval + time.Duration(c.Int64N(int64(limiters[2].interval)))
	})
	if len(waits) < 90 || len(calls) < 300 {
		t.Errorf("%d interactive and %d bulk documents were served, want about 100 and 500", len(waits), len(calls))
	}
	if longest := slices.Max(waits); longest > 2*limiters[2].interval {
		t.Errorf("an interactive document waited %s, want at most %s", longest, 2*limiters[2].interval)
	}
}

// TestLimiter_Spaces shows that permits do not come faster than the rate, however
// many ask, on how many workers. How much slower they come depends on the machine
// and is not tested here.
func TestLimiter_Spaces(t *testing.T) {
	t.Parallel()
	client := newRedis(t)
	const workers, each, permits = 3, 4, 3
	var group sync.WaitGroup
	began := time.Now()
	for range workers {
		limiter := NewLimiter(client, "key", fast, time.Minute)
		for i := range each {
			group.Go(func() {
				queue := storage.QueueBulk
				if i == 0 {
					queue = storage.QueueInteractive
				}
				for range permits {
					if err := limiter.Wait(t.Context(), queue); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	group.Wait()
	const n = workers * each * permits
	if took, least := time.Since(began), fastInterval*(n-1)*9/10; took < least {
		t.Errorf("%d permits took %s, want at least %s", n, took, least)
	}
}
