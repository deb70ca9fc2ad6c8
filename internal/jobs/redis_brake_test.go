package jobs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
)

// refusalError is an error that a Redis answers with.
type refusalError string

func (r refusalError) Error() string { return string(r) }
func (refusalError) RedisError()     {}

func TestInTrouble(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{redis.Nil, false},
		{context.Canceled, false},
		{refusalError("NOSCRIPT No matching script"), false},
		{refusalError("WRONGTYPE Operation against a key"), false},
		{refusalError("OOM command not allowed when used memory > 'maxmemory'."), true},
		{refusalError("ERR Error running script: @user_script: -OOM command not allowed when used memory > 'maxmemory'."), true},
		{refusalError("READONLY You can't write against a read only replica."), true},
		{refusalError("LOADING Redis is loading the dataset in memory"), true},
		{fmt.Errorf("dequeue: %w", refusalError("CLUSTERDOWN The cluster is down")), true},
		{fmt.Errorf("read: %w", io.EOF), true},
		{context.DeadlineExceeded, true}, // a server that hangs
		{errors.New("made up"), false},
	} {
		if got := inTrouble(test.err); got != test.want {
			t.Errorf("inTrouble(%v) = %t, want %t", test.err, got, test.want)
		}
	}
}

// TestBrake: the longer the trouble lasts the longer each command waits, one line
// tells that it began and one that it is over.
func TestBrake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		metrics, _ := newMetrics()
		b := &brake{metrics: metrics, logger: slog.New(slog.NewTextHandler(&log, nil))}
		full := refusalError("OOM command not allowed")
		var last time.Duration
		for n := range 10 {
			began := time.Now()
			if err := b.after(t.Context(), full); !errors.Is(err, full) {
				t.Errorf("error = %v, want what Redis said", err)
			}
			took := time.Since(began)
			if took < last || took > brakeMost || n == 0 && took != brakeLeast {
				t.Errorf("failure %d waited %s after one of %s", n, took, last)
			}
			last = took
		}
		if last != brakeMost {
			t.Errorf("the last failure waited %s, want %s", last, brakeMost)
		}
		began := time.Now()
		for _, err := range []error{nil, redis.Nil, nil} {
			if got := b.after(t.Context(), err); got != err { //nolint:errorlint // the very same
				t.Errorf("after(%v) = %v", err, got)
			}
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("commands that went well waited %s", took)
		}
		if got := strings.Count(log.String(), "slowing down") + strings.Count(log.String(), "serves again"); got != 2 || strings.Count(log.String(), "\n") != 2 {
			t.Errorf("log:\n%s\nwant one line when it begins and one when it ends", log.String())
		}
	})
}
