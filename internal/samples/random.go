package samples

import "encoding/binary"

// random is splitmix64. It is our own rather than the standard library's so
// that the bytes of a sample depend on nothing but its options.
type random struct{ state uint64 }

// newRandom seeds a stream from several parts; each combination of parts has a
// stream of its own.
func newRandom(parts ...uint64) *random {
	r := &random{state: 0x6361_7366_6c6f_7721}
	for _, p := range parts {
		r.state = r.next() ^ p
	}
	r.next()
	return r
}

func (r *random) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below gives 0 <= x < n; n must be positive.
func (r *random) below(n int) int {
	return int(r.next() >> 1 % uint64(n)) //nolint:gosec // n is positive and the result below it
}

// between gives low <= x <= high.
func (r *random) between(low, high int) int { return low + r.below(high-low+1) }

// chance is true in about percent of 100 calls.
func (r *random) chance(percent int) bool { return r.below(100) < percent }

// fill overwrites p with noise.
func (r *random) fill(p []byte) {
	for len(p) >= 8 {
		binary.LittleEndian.PutUint64(p, r.next())
		p = p[8:]
	}
	if len(p) > 0 {
		var last [8]byte
		binary.LittleEndian.PutUint64(last[:], r.next())
		copy(p, last[:])
	}
}

// pick gives one of the choices; there must be one.
func pick[T any](r *random, choices []T) T { return choices[r.below(len(choices))] }
