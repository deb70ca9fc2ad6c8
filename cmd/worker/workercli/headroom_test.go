package workercli

import (
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestHeadroom: there is more room while much is allocated, and none beyond what is wanted.
func TestHeadroom(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	for _, test := range []struct {
		name    string
		scanned uint64
		rate    uint64 // bytes in a second
		want    int    // percent
	}{
		{"Calm", 8 * mb, mb, 50},
		{"CalmWithMuchInFlight", 20 * mb, mb, 20},
		{"Busy", 30 * mb, 100 * mb, 100},
		{"BusyAndNearlyEmpty", 2 * mb, 100 * mb, mostPercent},
		{"BusyWithMuchInFlight", 40 * mb, 20 * mb, 15},
		{"BusyBeyond", 400 * mb, 1000 * mb, 16},
		{"CalmBeyond", 500 * mb, mb, leastPercent},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			set := 0
			const before = 70
			at := time.Unix(1_800_000_000, 0)
			h := headroom{percent: before, last: at, set: func(percent int) int { set = percent; return 0 }, free: func() {}}
			h.sample = func() (scanned, allocs uint64) { return test.scanned, h.allocs + test.rate/2 }
			h.collected(at.Add(time.Second / 2))
			if set != test.want {
				t.Errorf("set to %d, want %d", set, test.want)
			}
			set = 0
			if h.collected(at.Add(time.Second)); set != 0 {
				t.Errorf("set to %d again", set)
			}
			test.rate = 0
			calm := min(max(calmRoom*100/int(test.scanned), leastPercent), mostPercent)
			if h.collected(at.Add(2 * time.Second)); test.want != calm && set != calm {
				t.Errorf("set to %d once it is calm, want %d", set, calm)
			}
		})
	}
}

// TestHeadroom_GivesBack: memory is given back once a worker is calm that was busy, and
// only then.
func TestHeadroom_GivesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var mu sync.Mutex
		var given []time.Duration
		const busy = 100 << 20
		rate := uint64(busy)
		h := headroom{percent: goPercent, last: began, set: func(int) int { return 0 }, free: func() {
			mu.Lock()
			defer mu.Unlock()
			given = append(given, time.Since(began))
		}}
		h.sample = func() (scanned, allocs uint64) { return 1 << 20, h.allocs + rate }
		collections := func(n int) {
			for range n {
				time.Sleep(time.Second)
				h.collected(time.Now())
			}
		}
		collections(12)
		rate = 1 << 20
		collections(60)
		rate = busy
		collections(1)
		time.Sleep(time.Minute)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if want := []time.Duration{12*time.Second + calmAfter, 73*time.Second + calmAfter}; !slices.Equal(given, want) {
			t.Errorf("given back after %v, want %v", given, want)
		}
	})
}

// TestHeadroom_Start watches collections, unless GOGC says how they are to be.
func TestHeadroom_Start(t *testing.T) { //nolint:paralleltest // it sets the environment
	for _, gogc := range []string{"", "100"} {
		t.Setenv("GOGC", gogc)
		watched := make(chan bool, 1)
		c := &headroom{percent: goPercent, set: func(int) int { return 0 }}
		c.sample = func() (scanned, allocs uint64) {
			select {
			case watched <- true:
			default:
			}
			return 0, 0
		}
		if started := c.start(); started != (gogc == "") {
			t.Fatalf("GOGC=%q: started %v", gogc, started)
		}
		if gogc != "" {
			continue
		}
		for range 2 { // one collection after another
			runtime.GC()
			<-watched
		}
	}
}
