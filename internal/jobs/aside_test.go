package jobs

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
)

// TestAside_Panic: what panics aside is contained as if it had not been aside, and the
// log shows where it was.
func TestAside_Panic(t *testing.T) {
	t.Parallel()
	r := &run{}
	err := func() (err error) {
		defer r.contain(&err)
		aside(explode)
		return nil
	}()
	if !errors.Is(err, errPanic) || err.Error() != errPanic.Error()+" (*errors.errorString)" {
		t.Errorf("got %v, want a panic by its type", err)
	}
	if !bytes.Contains(r.stack, []byte("explode")) {
		t.Errorf("the stack does not show who panicked:\n%s", r.stack)
	}
}

func explode() { panic(errors.New("of ABCDE1234F")) }

// TestAside_PanicTold: where nothing contains it, its text, which may quote data, is
// not told either.
func TestAside_PanicTold(t *testing.T) {
	t.Parallel()
	defer func() {
		if told, want := fmt.Sprint(recover()), "panic (*errors.errorString)"; told != want {
			t.Errorf("got %q, want %q", told, want)
		}
	}()
	aside(explode)
}
