package jobs

import (
	"fmt"
	"runtime/debug"
)

// aside does something on another goroutine, and returns when it is done. What it needs
// of stack, 16 KB for a query or a look into a PDF, is free again then. A goroutine that
// needs as much itself keeps it, and thousands of documents wait for the API, each on a
// goroutine that may so be small. A panic is one of the caller's.
func aside(do func()) {
	var fault *asidePanic
	done := make(chan struct{})
	task := func() {
		defer close(done)
		defer func() {
			cause := recover()
			if inner, ok := cause.(*asidePanic); ok {
				fault = inner
			} else if cause != nil {
				fault = &asidePanic{cause: cause, stack: debug.Stack()}
			}
		}()
		do()
	}
	select {
	case helpers.idle <- task:
	default:
		go help(task)
	}
	<-done
	if fault != nil {
		panic(fault)
	}
}

// helpers are the goroutines that wait for something to do aside: growing a stack anew
// each time costs more than all else about it. There are few of them, however many
// documents are in flight.
var helpers = struct { //nolint:gochecknoglobals // goroutines are the process'
	idle   chan func()
	places chan struct{}
}{make(chan func()), make(chan struct{}, 16)}

func help(task func()) {
	task()
	select {
	case helpers.places <- struct{}{}:
	default:
		return // there are enough
	}
	defer func() { <-helpers.places }() // of one that ended with what it did
	for task := range helpers.idle {
		task()
	}
}

// asidePanic is a panic of what was done aside.
type asidePanic struct {
	cause any
	stack []byte // of the goroutine that it happened on
}

// String names the type alone: the text may quote data.
func (p *asidePanic) String() string { return fmt.Sprintf("panic (%T)", p.cause) }
