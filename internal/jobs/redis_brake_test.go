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
		{refusalError("ERR Error running script: @user_script: -NOREPLICAS Not enough good replicas to write."), true},
		{refusalError("READONLY You can't write against a read only replica."), true},
		{refusalError("LOADING Redis is loading the dataset in memory"), true},
		{fmt.Errorf("dequeue: %w", refusalError("CLUSTERDOWN The cluster is down")), true},
		{fmt.Errorf("read: %w", io.EOF), true},
		{context.DeadlineExceeded, true}, // a server that hangs
		{errors.New("made up"), false},
		{fmt.Errorf("redis: all sentinels specified in configuration are unreachable: %w", redis.Nil), true},
		{errors.New("redis: cluster has no nodes"), true},
		{refusalError("MOVED 3999 127.0.0.1:6381"), true}, // to and fro, until go-redis gave up
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
		loading := refusalError("LOADING Redis is loading the dataset in memory")
		var answer error
		process := newBrake(&redis.Client{}, metrics, slog.New(slog.NewTextHandler(&log, nil))).
			ProcessHook(func(context.Context, redis.Cmder) error { return answer })
		command := redis.NewStatusCmd(t.Context(), "ping")
		var last time.Duration
		for n := range 10 {
			began := time.Now()
			answer = loading
			if err := process(t.Context(), command); !errors.Is(err, loading) {
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
		for _, answer = range []error{nil, redis.Nil, nil} {
			if got := process(t.Context(), command); got != answer { //nolint:errorlint // the very same
				t.Errorf("got %v, want %v", got, answer)
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

// TestBrake_WritesRefused: a full Redis answers what only reads. That neither spares the
// next write the wait, nor does the log say over and over that it is well.
func TestBrake_WritesRefused(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]refusalError{
		"Full":     "OOM command not allowed when used memory > 'maxmemory'.",
		"InScript": "ERR Error running script: @user_script: -OOM command not allowed when used memory > 'maxmemory'.",
		"Replica":  "READONLY You can't write against a read only replica.",
		"Disk":     "MISCONF Redis is configured to save RDB snapshots",
		"Alone":    "NOREPLICAS Not enough good replicas to write.",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				var answer error
				metrics, _ := newMetrics()
				process := newBrake(&redis.Client{}, metrics, slog.New(slog.NewTextHandler(&log, nil))).
					ProcessHook(func(context.Context, redis.Cmder) error { return answer })
				var last time.Duration
				for range 10 {
					began := time.Now()
					answer = refusal
					_ = process(t.Context(), redis.NewStatusCmd(t.Context(), "set", "k", "v"))
					last = time.Since(began)
					answer = nil
					_ = process(t.Context(), redis.NewStringCmd(t.Context(), "get", "k"))
				}
				if last != brakeMost {
					t.Errorf("the last write waited %s, want %s", last, brakeMost)
				}
				if got := strings.Count(log.String(), "\n"); got != 1 {
					t.Errorf("log:\n%s\nwant one line that it begins", log.String())
				}
				time.Sleep(brakeQuiet)
				_ = process(t.Context(), redis.NewStringCmd(t.Context(), "get", "k"))
				if got := strings.Count(log.String(), "serves again") + strings.Count(log.String(), "\n"); got != 3 {
					t.Errorf("log:\n%s\nwant one line when it begins and one when it ends", log.String())
				}
			})
		})
	}
}

// TestBrake_Cluster: while one node of a cluster is down, the others' answers neither
// spare its commands the wait, nor does the log say over and over that it is well.
func TestBrake_Cluster(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		down := refusalError("CLUSTERDOWN The cluster is down")
		metrics, _ := newMetrics()
		b := newBrake(&redis.ClusterClient{}, metrics, slog.New(slog.NewTextHandler(&log, nil)))
		dequeue := redis.NewCmd(t.Context(), "evalsha", "0123", 2, "asynq:{bulk}:pending", "asynq:{bulk}:paused")
		permit := redis.NewCmd(t.Context(), "evalsha", "4567", 1, "casflow:{89ab}:rate", 0)
		answer := func(command redis.Cmder, err error) (took time.Duration) {
			t.Helper()
			began := time.Now()
			if got := b.ProcessHook(func(context.Context, redis.Cmder) error { return err })(t.Context(), command); got != err { //nolint:errorlint // the very same
				t.Errorf("got %v, want %v", got, err)
			}
			return time.Since(began)
		}
		took := time.Duration(0)
		for range 10 {
			took = answer(dequeue, down)
			if took := answer(permit, nil); took != 0 {
				t.Errorf("a part that serves waited %s", took)
			}
		}
		if took != brakeMost {
			t.Errorf("the last failure waited %s, want %s", took, brakeMost)
		}
		// In one pipeline for both, the one that is down counts for itself.
		count, length := redis.NewIntCmd(t.Context(), "llen", "asynq:{bulk}:active"), redis.NewIntCmd(t.Context(), "llen", "asynq:{interactive}:active")
		began := time.Now()
		_ = b.ProcessPipelineHook(func(context.Context, []redis.Cmder) error {
			count.SetErr(down)
			return down
		})(t.Context(), []redis.Cmder{count, length})
		if took := time.Since(began); took != brakeMost {
			t.Errorf("the pipeline waited %s, want %s", took, brakeMost)
		}
		if got := strings.Count(log.String(), "\n"); got != 1 {
			t.Errorf("log:\n%s\nwant one line that it begins", log.String())
		}
		// A key that is never asked for again does not keep it from ending.
		answer(redis.NewStatusCmd(t.Context(), "set", "casflow:parked:x", "y"), down)
		time.Sleep(brakeForgets + time.Second)
		answer(dequeue, nil)
		if got := strings.Count(log.String(), "serves again") + strings.Count(log.String(), "\n"); got != 3 {
			t.Errorf("log:\n%s\nwant one line when it begins and one when it ends", log.String())
		}
	})
}

func TestPartOf(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]any{
		"bulk":                {"evalsha", "0123", 2, "asynq:{bulk}:pending", "asynq:{other}:paused"},
		"interactive":         {"llen", "asynq:{interactive}:active"},
		"casflow:parked:1-2":  {"GET", "casflow:parked:1-2"},
		"casflow:{}:x":        {"get", "casflow:{}:x"}, // Redis takes all of it, too
		"casflow:{open":       {"del", "casflow:{open"},
		"":                    {"ping"},
		"h:w:0":               {"eval", "return 1", 1, "asynq:servers:{h:w:0}"},
		"casflow:reading:w-1": {"sadd", "casflow:reading:w-1", "{member}"},
	} {
		if got := partOf(redis.NewCmd(t.Context(), args...)); got != want {
			t.Errorf("partOf(%v) = %q, want %q", args, got, want)
		}
	}
}
