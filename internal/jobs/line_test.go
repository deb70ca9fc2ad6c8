package jobs

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestLine_InOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(1)
		if err := l.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		const n = 10
		served := make(chan int, n)
		for i := range n {
			go func() {
				if err := l.enter(t.Context()); err != nil {
					t.Error(err)
				}
				served <- i
				l.leave()
			}()
			synctest.Wait() // one after the other
		}
		if len(served) > 0 {
			t.Error("somebody had the turn while it was taken")
		}
		l.leave()
		for want := range n {
			if got := <-served; got != want {
				t.Errorf("served %d, want %d", got, want)
			}
		}
	})
}

func TestLine_GivingUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(1)
		if err := l.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		cause := errors.New("had enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, cause)
		defer cancel()
		if err := l.enter(ctx); !errors.Is(err, cause) {
			t.Errorf("enter() = %v, want the cause", err)
		}
		l.leave()
		if err := l.enter(t.Context()); err != nil { // the turn is not lost
			t.Fatal(err)
		}
	})
}
