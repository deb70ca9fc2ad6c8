package workercli

import (
	"runtime"
	"testing"
	"time"
)

// TestHeadroom: there is more room while much is allocated, and none beyond what is wanted.
func TestHeadroom(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	for _, test := range []struct {
		name          string
		live, scanned uint64
		rate          uint64 // bytes in a second
		want          int    // percent
	}{
		{"Calm", 8 * mb, 10 * mb, mb, leastPercent},
		{"Busy", 14 * mb, 25 * mb, 100 * mb, 200},
		{"BusyAndNearlyEmpty", mb, 2 * mb, 100 * mb, mostPercent},
		{"BusyWithMuchInFlight", 40 * mb, 100 * mb, 100 * mb, leastPercent},
		{"BusyBeyond", 400 * mb, 500 * mb, 100 * mb, leastPercent},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			set := 0
			const before = 70
			at := time.Unix(1_800_000_000, 0)
			c := headroom{percent: before, last: at, set: func(percent int) int { set = percent; return 0 }}
			c.sample = func() (live, scanned, allocs uint64) { return test.live, test.scanned, c.allocs + test.rate/2 }
			c.collected(at.Add(time.Second / 2))
			if set != test.want {
				t.Errorf("set to %d, want %d", set, test.want)
			}
			set = 0
			if c.collected(at.Add(time.Second)); set != 0 {
				t.Errorf("set to %d again", set)
			}
			test.rate = 0
			if c.collected(at.Add(2 * time.Second)); test.want != leastPercent && set != leastPercent {
				t.Errorf("set to %d once it is calm, want %d", set, leastPercent)
			}
		})
	}
}

// TestHeadroom_Start watches collections, unless GOGC says how they are to be.
func TestHeadroom_Start(t *testing.T) { //nolint:paralleltest // it sets the environment
	for _, gogc := range []string{"", "100"} {
		t.Setenv("GOGC", gogc)
		watched := make(chan bool, 1)
		c := &headroom{percent: goPercent, set: func(int) int { return 0 }}
		c.sample = func() (live, scanned, allocs uint64) {
			select {
			case watched <- true:
			default:
			}
			return 0, 0, 0
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
