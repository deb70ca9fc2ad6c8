package jobs

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestLine_InteractiveFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l line
		if err := l.enter(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		served := make(chan string, 4)
		for _, waiter := range []struct {
			name        string
			interactive bool
		}{{"bulk 1", false}, {"bulk 2", false}, {"interactive 1", true}, {"interactive 2", true}} {
			go func() {
				if err := l.enter(t.Context(), waiter.interactive); err != nil {
					t.Error(err)
				}
				served <- waiter.name
				l.leave()
			}()
			synctest.Wait() // one after the other
		}
		l.leave()
		for _, want := range []string{"interactive 1", "interactive 2", "bulk 1", "bulk 2"} {
			if got := <-served; got != want {
				t.Errorf("served %s, want %s", got, want)
			}
		}
	})
}

func TestLine_GivingUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l line
		if err := l.enter(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		cause := errors.New("had enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, cause)
		defer cancel()
		if err := l.enter(ctx, true); !errors.Is(err, cause) {
			t.Errorf("enter() = %v, want the cause", err)
		}
		l.leave()
		if err := l.enter(t.Context(), false); err != nil { // the turn is not lost
			t.Fatal(err)
		}
	})
}
