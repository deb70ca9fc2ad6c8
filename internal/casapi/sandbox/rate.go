package sandbox

import "time"

// window is a true sliding window: within any 60 seconds at most limit calls are
// let in. Calls that it refuses do not count. Its zero value lets all in.
type window struct {
	limit int
	taken []time.Time // when the calls of the last minute were let in, oldest first
}

// take lets a call in at now, or says how long it must wait for that. An instant
// counts for 60 seconds, its end not included: a caller that waits exactly as
// long as it is told is let in.
func (w *window) take(now time.Time) (wait time.Duration, ok bool) {
	if w.limit <= 0 {
		return 0, true
	}
	open := now.Add(-time.Minute)
	old := 0
	for old < len(w.taken) && !w.taken[old].After(open) {
		old++
	}
	w.taken = append(w.taken[:0], w.taken[old:]...)
	if len(w.taken) >= w.limit {
		return w.taken[0].Sub(open), false
	}
	w.taken = append(w.taken, now)
	return 0, true
}

// seconds rounds d up to whole seconds, as Retry-After wants them.
func seconds(d time.Duration) int {
	return int((d + time.Second - 1) / time.Second)
}
