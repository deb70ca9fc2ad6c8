package workercli

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// headroom adapts how much garbage there may be in the heap, in percent of what is not,
// before it is collected. While documents are parsed by the hundred in a second, each of
// which leaves some 400 KB of garbage, the collector would run all the time in a heap of a
// few megabytes. A worker that waits for the API, for thousands of answers maybe, has the
// time to keep its heap small, and gives back what it needed while it was busy.
type headroom struct {
	mu      sync.Mutex
	percent int // as it is set
	last    time.Time
	allocs  uint64      // bytes, until then
	busy    time.Time   // when it was last so
	calm    *time.Timer // gives memory back; nil where that is done

	sample func() (scanned, allocs uint64) // in bytes
	set    func(percent int) (before int)
	free   func() // collects, and gives back what is not in use
}

const (
	// collectEvery is how long a busy worker allocates before there is a collection: some
	// three in a second, as far as the bounds below let it.
	collectEvery = 300 * time.Millisecond
	// calmRoom is how much garbage there may be of a worker that is not busy, in bytes, and
	// roomyMost of one that is.
	calmRoom  = 4 << 20
	roomyMost = 64 << 20
	// leastPercent is for a worker that has much in its heap besides garbage: a collection
	// goes through all of that.
	leastPercent = 10
	// mostPercent bounds what a heap that suddenly has much in it grows to before that is
	// noticed, with the collection after it.
	mostPercent = 250
	// goPercent is what Go begins with.
	goPercent = 100
	// calmAfter is how long a worker is not busy before it gives memory back: longer than
	// one that is takes from one collection to the next.
	calmAfter = 5 * time.Second
)

// newHeadroom returns the headroom of this process.
func newHeadroom() *headroom {
	samples := []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"},
	}
	return &headroom{percent: goPercent, last: time.Now(), set: debug.SetGCPercent, free: debug.FreeOSMemory, sample: func() (scanned, allocs uint64) {
		metrics.Read(samples)
		for _, s := range samples[1:] {
			scanned += s.Value.Uint64()
		}
		return scanned, samples[0].Value.Uint64()
	}}
}

// start adapts it from now on, unless GOGC says how it is to be.
func (h *headroom) start() bool {
	if os.Getenv("GOGC") != "" {
		return false
	}
	h.watch()
	return true
}

// watch has collected called after the next collection.
func (h *headroom) watch() {
	type garbage struct{ _ *int } // with a pointer: an object of its own
	runtime.AddCleanup(new(garbage), func(h *headroom) {
		h.collected(time.Now())
		h.watch()
	}, h)
}

// collected notes that there was a collection and says when the next one is due.
func (h *headroom) collected(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	scanned, allocs := h.sample()
	rate := float64(allocs-h.allocs) / max(now.Sub(h.last).Seconds(), 1e-3)
	h.last, h.allocs = now, allocs
	room := min(max(rate*collectEvery.Seconds(), calmRoom), roomyMost)
	if room > calmRoom {
		if h.busy = now; h.calm == nil {
			h.calm = time.AfterFunc(calmAfter, h.rest)
		}
	}
	percent := int(min(max(100*room/float64(max(scanned, 1)), leastPercent), mostPercent))
	// Setting it stops the world: not for little.
	if percent < h.percent*9/10 || percent > h.percent*11/10 {
		h.percent = percent
		h.set(percent)
	}
}

// rest gives memory back, unless the worker has been busy since.
func (h *headroom) rest() {
	h.mu.Lock()
	wait := calmAfter - time.Since(h.busy)
	if wait > 0 {
		h.calm.Reset(wait)
	} else {
		h.calm = nil
	}
	h.mu.Unlock()
	if wait <= 0 {
		h.free()
	}
}
