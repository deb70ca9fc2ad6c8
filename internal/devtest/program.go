package devtest

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Program is the main function of one of the programs.
type Program func(ctx context.Context, args []string, stdout, stderr io.Writer) int

// Serving is a program that serves, on a port that the system has given it.
type Serving struct {
	Addr string // HOST:PORT
	Log  *Log

	cancel context.CancelFunc
	ended  context.Context //nolint:containedctx // ends with the program
	code   int
}

// Serve runs a program until Stop or the end of ctx, and returns once it serves. Its
// arguments are to let it log in JSON; the address is given here.
func Serve(ctx context.Context, run Program, args ...string) (*Serving, error) {
	ctx, cancel := context.WithCancel(ctx)
	ended, end := context.WithCancel(context.WithoutCancel(ctx))
	s := &Serving{Log: NewLog(), cancel: cancel, ended: ended}
	go func() {
		defer end()
		s.code = run(ctx, append(slices.Clip(args), "--addr", "127.0.0.1:0"), io.Discard, s.Log)
	}()
	if s.Addr = s.Log.Find(ended, `"msg":"(?:API is|metrics are) served","addr":"([^"]+)"`); s.Addr == "" {
		code := s.Stop()
		return nil, fmt.Errorf("%s ended with %d: %s", args[0], code, s.Log)
	}
	return s, nil
}

// Stop ends the program as a signal does, and returns its exit code.
func (s *Serving) Stop() int {
	s.cancel()
	<-s.ended.Done()
	return s.code
}

// Log is what is logged, for who waits for a line of it.
type Log struct {
	mu      sync.Mutex
	changed *sync.Cond
	text    strings.Builder
}

// NewLog makes an empty log.
func NewLog() *Log {
	l := &Log{}
	l.changed = sync.NewCond(&l.mu)
	return l
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.changed.Broadcast()
	return l.text.Write(p) //nolint:wrapcheck // never fails
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Find waits for the pattern to fit, and returns what its group does, if it has one;
// "" where ctx ends before.
func (l *Log) Find(ctx context.Context, pattern string) string {
	stop := context.AfterFunc(ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.changed.Broadcast()
	})
	defer stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	for expression := regexp.MustCompile(pattern); ctx.Err() == nil; l.changed.Wait() {
		if found := expression.FindStringSubmatch(l.text.String()); found != nil {
			return found[len(found)-1]
		}
	}
	return ""
}
