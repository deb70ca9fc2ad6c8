package jobs

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"casflow/internal/storage"
)

// TestTurns: large answers are worked on one at a time, and hold up no others.
func TestTurns(t *testing.T) {
	t.Parallel()
	large, small := storage.Answer{Body: make([]byte, largeAnswer+1)}, storage.Answer{Body: make([]byte, largeAnswer)}
	var (
		turns   turns
		inside  atomic.Int32
		workers sync.WaitGroup
	)
	for range 8 {
		workers.Go(func() {
			for range 50 {
				leave := turns.enter(large)
				if n := inside.Add(1); n != 1 {
					t.Errorf("%d large answers at once", n)
				}
				turns.enter(small)()
				runtime.Gosched()
				inside.Add(-1)
				leave()
			}
		})
	}
	workers.Wait()
}
