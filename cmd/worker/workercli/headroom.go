package workercli

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// headroom adapts how much garbage there may be in the heap, in percent of what is not,
// before it is collected. While documents are parsed by the hundred in a second, each of
// which leaves some 400 KB of garbage, the collector would run all the time in a heap of a
// few megabytes. A worker that waits for the API, for thousands of answers maybe, has the
// time to keep its heap small.
type headroom struct {
	percent int // as it is set
	last    time.Time
	allocs  uint64 // bytes, until then

	sample func() (live, scanned, allocs uint64) // in bytes
	set    func(percent int) (before int)
}

const (
	// leastPercent is for a worker that is not busy, or has much in its heap besides garbage.
	leastPercent = 50
	// roomyHeap is how large the heap of a busy worker gets, in bytes, before it is collected.
	roomyHeap = 64 << 20
	// mostPercent bounds what a heap that suddenly has much in it grows to before that is
	// noticed, with the collection after it.
	mostPercent = 250
	// goPercent is what Go begins with.
	goPercent = 100
	// busyRate is how many bytes a busy worker allocates in a second.
	busyRate = 16 << 20
)

// newHeadroom returns the headroom of this process.
func newHeadroom() *headroom {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}
	return &headroom{percent: goPercent, last: time.Now(), set: debug.SetGCPercent, sample: func() (live, scanned, allocs uint64) {
		metrics.Read(samples)
		live = samples[0].Value.Uint64()
		return live, live + samples[2].Value.Uint64() + samples[3].Value.Uint64(), samples[1].Value.Uint64()
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
	live, scanned, allocs := h.sample()
	rate := float64(allocs-h.allocs) / max(now.Sub(h.last).Seconds(), 1e-3)
	h.last, h.allocs = now, allocs
	percent := leastPercent
	if rate >= busyRate {
		room := roomyHeap - min(live, roomyHeap) // the percentage is of all that is scanned
		percent = max(percent, int(min(room*100/max(scanned, 1), mostPercent)))
	}
	// Setting it stops the world: not for little.
	if percent < h.percent*9/10 || percent > h.percent*11/10 {
		h.percent = percent
		h.set(percent)
	}
}
