package enqueuercli

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// chunk is how many things were done at once, and when.
type chunk struct {
	N  int
	At time.Duration
}

func TestEvenly(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for _, test := range []struct {
		name    string
		n, rate int
		want    []chunk
	}{
		{"none", 0, 1, nil},
		{"one", 1, 1, []chunk{{1, 0}}},
		{"one a minute", 3, 1, []chunk{{1, 0}, {1, time.Minute}, {1, 2 * time.Minute}}},
		{"one a second", 3, 60, []chunk{{1, 0}, {1, time.Second}, {1, 2 * time.Second}}},
		{"chunks", 25, 6000, []chunk{{10, 0}, {10, 100 * ms}, {5, 200 * ms}}},
		{"whole chunks", 20, 6000, []chunk{{10, 0}, {10, 100 * ms}}},
		{"more than there are", 3, 1 << 62, []chunk{{3, 0}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var got []chunk
				began, done := time.Now(), 0
				err := evenly(t.Context(), test.n, test.rate, func(from, to int) error {
					if from != done {
						t.Errorf("a chunk begins at %d, want %d", from, done)
					}
					done = to
					got = append(got, chunk{to - from, time.Since(began)})
					return nil
				})
				if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
					t.Errorf("evenly() = %v, chunks (-want +got):\n%s", err, diff)
				}
			})
		})
	}
}

// No minute has more than the rate asks for, and a full one not much less.
func TestEvenly_AnyMinute(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{1, 7, 59, 61, 599, 601, 1199, 1201, 6001, 100_000} {
		synctest.Test(t, func(t *testing.T) {
			var chunks []chunk
			began := time.Now()
			err := evenly(t.Context(), 3*rate, rate, func(from, to int) error {
				chunks = append(chunks, chunk{to - from, time.Since(began)})
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			for n, first := range chunks {
				sum := 0
				for _, c := range chunks[n:] {
					if c.At < first.At+time.Minute {
						sum += c.N
					}
				}
				if sum > rate || n == 0 && sum < rate*99/100 {
					t.Errorf("rate %d: %d in the minute after %s", rate, sum, first.At)
				}
			}
		})
	}
}

func TestEvenly_Ends(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		err  error // of the second chunk, which also interrupts if it is nil
		want error
	}{
		"Broken":      {broken, broken},
		"Interrupted": {nil, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, interrupt := context.WithCancel(t.Context())
				defer interrupt()
				calls := 0
				err := evenly(ctx, 3, 600, func(from, _ int) error {
					calls++
					if from == 0 {
						return nil
					}
					if test.err == nil {
						interrupt()
					}
					return test.err
				})
				if !errors.Is(err, test.want) || calls != 2 {
					t.Errorf("evenly() = %v after %d chunks, want %v after 2", err, calls, test.want)
				}
			})
		})
	}
}
