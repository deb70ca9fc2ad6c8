package config

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"casflow/internal/redact"
)

// Exit codes of the programs.
const (
	ExitDone        = 0
	ExitFailed      = 1
	ExitUsage       = 2   // bad usage or configuration
	ExitDead        = 3   // finished, but some documents are dead-lettered
	ExitInterrupted = 130 // by SIGINT or SIGTERM, as shells have it
)

// ErrUsage marks errors of usage or configuration.
var ErrUsage = errors.New("bad usage or configuration")

// ErrHelp means that help or the version was asked for and printed.
var ErrHelp = errors.New("help was printed")

// ErrDead means that all is done, but that documents are dead.
var ErrDead = errors.New("some documents are dead-lettered")

// usageError is an error of usage: its text is that of the fault alone.
type usageError struct{ error }

func (e usageError) Unwrap() error        { return e.error }
func (e usageError) Is(target error) bool { return target == ErrUsage }

// Usage marks err, if it is one, as an error of usage or configuration.
func Usage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

// ExitCode is the exit code of a program that ends with err. An error that
// matches context.Canceled is an interruption.
func ExitCode(err error) int {
	switch {
	case err == nil, errors.Is(err, ErrHelp):
		return ExitDone
	case errors.Is(err, ErrUsage):
		return ExitUsage
	case errors.Is(err, ErrDead):
		return ExitDead
	case errors.Is(err, context.Canceled):
		return ExitInterrupted
	default:
		return ExitFailed
	}
}

// Validate joins the faults of all groups into one error of usage.
func Validate(groups ...interface{ Faults() error }) error {
	var faults []error
	for _, group := range groups {
		faults = append(faults, group.Faults())
	}
	return Usage(errors.Join(faults...))
}

// Report tells on stderr what a program ends with, a line per fault, and returns
// its exit code. An interruption needs no words, unless the error has more to say
// than that it was one: how far the program came, say.
func Report(stderr io.Writer, name string, err error) int {
	code := ExitCode(err)
	if code == ExitDone || code == ExitInterrupted && err.Error() == context.Canceled.Error() {
		return code
	}
	for line := range strings.SplitSeq(redact.PANs(err.Error()), "\n") {
		_, _ = fmt.Fprintf(stderr, "%s: %s\n", name, line) // there is nowhere to say that stderr is gone
	}
	return code
}
