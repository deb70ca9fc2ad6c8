package jobs

import (
	"fmt"
	"runtime/debug"
)

// aside does something on a goroutine of its own, and returns when it is done. What
// it needs of stack, 16 KB for a query or a look into a PDF, is free again then. A
// goroutine that needs as much itself keeps it, and thousands of documents wait for
// the API, each on a goroutine that may so be small. A panic is one of the caller's.
func aside(do func()) {
	var fault *asidePanic
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if cause := recover(); cause != nil {
				fault = &asidePanic{cause: cause, stack: debug.Stack()}
			}
		}()
		do()
	}()
	<-done
	if fault != nil {
		panic(fault)
	}
}

// asidePanic is a panic of what was done aside.
type asidePanic struct {
	cause any
	stack []byte // of the goroutine that it happened on
}

// String names the type alone: the text may quote data.
func (p *asidePanic) String() string { return fmt.Sprintf("panic (%T)", p.cause) }
