package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/casapi"
	"casflow/internal/storage"
)

func TestStages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		observed := map[string]time.Duration{}
		s := stages{observe: func(stage string, took time.Duration) { observed[stage] += took }}
		s.add("claim", time.Second)
		end := s.start("fetch")
		time.Sleep(2 * time.Second)
		end()
		for range 2 { // two passwords, two calls
			end := s.start("call")
			time.Sleep(3 * time.Second)
			end()
		}
		want := map[string]time.Duration{"claim": time.Second, "fetch": 2 * time.Second, "call": 6 * time.Second}
		if diff := cmp.Diff(want, observed); diff != "" {
			t.Errorf("observed (-want +got):\n%s", diff)
		}
		var logged []string
		for _, attr := range s.attrs {
			logged = append(logged, attr.String())
		}
		if diff := cmp.Diff([]string{"claim=1s", "fetch=2s", "call=3s", "call=3s"}, logged); diff != "" {
			t.Errorf("logged (-want +got):\n%s", diff)
		}
	})
}

// newTestRun is a run of a processor that has no servers.
func newTestRun() *run {
	metrics, _ := newMetrics()
	p := NewProcessor(ProcessorConfig{Logger: quiet(), Metrics: metrics})
	return newRun(p, storage.Document{Kind: storage.KindSmart, Queue: storage.QueueBulk}, time.Now())
}

func TestNewRun(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]casapi.Endpoint{
		storage.KindSmart: casapi.SmartParse, storage.KindCDSL: casapi.CDSLParse,
		storage.KindNSDL: casapi.NSDLParse, storage.KindCAMSKFintech: casapi.CAMSKFintechParse,
		storage.KindContractNote: casapi.ContractNoteParse,
	} {
		metrics, _ := newMetrics()
		d := storage.Document{Kind: kind, Bucket: "b", Key: "k", VersionID: "v", ETag: "e", Attempts: 3}
		r := newRun(NewProcessor(ProcessorConfig{Metrics: metrics}), d, time.Now())
		if r.parser.endpoint != want {
			t.Errorf("%s goes to %s, want %s", kind, r.parser.endpoint, want)
		}
		if r.object != (Object{Bucket: "b", Key: "k", VersionID: "v", ETag: "e"}) || r.attempts != 3 {
			t.Errorf("run of object %+v after %d attempts, want the document's", r.object, r.attempts)
		}
	}
}

// TestRun_Note shows how the end of a call is recorded.
func TestRun_Note(t *testing.T) {
	t.Parallel()
	answer := &casapi.Answer{StatusCode: 200, RequestID: "req_theirs", CreditsUsed: "1.0", Body: []byte("{}")}
	refused := &casapi.Error{
		Endpoint: casapi.SmartParse, StatusCode: 422, Code: "INVALID_PASSWORD", Class: casapi.ErrWrongPassword,
		Message: "made up", RequestID: "req_theirs",
	}
	lost := &casapi.Error{Class: casapi.ErrUnavailable, OutcomeUnknown: true, RequestID: "req_ours"}
	bad := &casapi.Error{StatusCode: 200, Class: casapi.ErrBadAnswer, RequestID: "req_theirs"}
	for name, test := range map[string]struct {
		answer *casapi.Answer
		err    error
		want   storage.AttemptEnd
	}{
		"Answered": {answer, nil, storage.AttemptEnd{
			Outcome: storage.OutcomeAnswered, HTTPStatus: 200, APIRequestID: "req_theirs", Credits: "1.0",
		}},
		"Refused": {nil, refused, storage.AttemptEnd{
			Outcome: storage.OutcomeRefused, HTTPStatus: 422, Code: "INVALID_PASSWORD", Message: refused.Error(), APIRequestID: "req_theirs",
		}},
		"Wrapped": {nil, fmt.Errorf("parse: %w", refused), storage.AttemptEnd{
			Outcome: storage.OutcomeRefused, HTTPStatus: 422, Code: "INVALID_PASSWORD", Message: "parse: " + refused.Error(), APIRequestID: "req_theirs",
		}},
		"Lost": {nil, lost, storage.AttemptEnd{Outcome: storage.OutcomeUnknown, Message: lost.Error(), APIRequestID: "req_ours"}},
		// Paid for, whatever it is.
		"NoStatement": {answer, bad, storage.AttemptEnd{
			Outcome: storage.OutcomeAnswered, HTTPStatus: 200, Message: bad.Error(), APIRequestID: "req_theirs", Credits: "1.0",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newTestRun()
			r.end.RequestID = "req_ours"
			test.want.RequestID = "req_ours"
			r.note(test.answer, test.err)
			if diff := cmp.Diff(test.want, r.end); diff != "" {
				t.Errorf("end of the attempt (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRun_Persist shows that a write outlives an outage of Postgres, and the
// context of its task.
func TestRun_Persist(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newTestRun()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		tries := 0
		err := r.persist(ctx, func(ctx context.Context) error {
			if tries++; tries <= 200 {
				return errors.New("postgres is away")
			}
			return ctx.Err()
		})
		if err != nil || tries != 201 {
			t.Errorf("persist() = %v after %d tries, want success at the 201st", err, tries)
		}
	})
}

// TestRun_PersistRefused shows what is not tried again.
func TestRun_PersistRefused(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]error{"Refused": storage.ErrRefused, "NotFound": storage.ErrNotFound} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tries := 0
			err := newTestRun().persist(t.Context(), func(context.Context) error {
				tries++
				return fmt.Errorf("save: %w", fault)
			})
			if !errors.Is(err, fault) || tries != 1 {
				t.Errorf("persist() = %v after %d tries, want the error at once", err, tries)
			}
		})
	}
}

// TestRun_PersistShutdown shows that a shutdown leaves some time for an outage to
// end, and no more than asynq leaves for the task.
func TestRun_PersistShutdown(t *testing.T) {
	t.Parallel()
	if saveGrace >= shutdownMargin {
		t.Errorf("saving may take %s, asynq kills the task after %s", saveGrace, shutdownMargin)
	}
	for name, before := range map[string]time.Duration{"Before": 0, "Meanwhile": time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newTestRun()
				if before == 0 {
					r.p.Drain()
				} else {
					time.AfterFunc(before, r.p.Drain)
				}
				began := time.Now()
				away := errors.New("postgres is away")
				if err := r.persist(t.Context(), func(context.Context) error { return away }); !errors.Is(err, away) {
					t.Errorf("persist() = %v, want the ledger's error", err)
				}
				if took := time.Since(began); took != before+saveGrace {
					t.Errorf("persist() took %s, want %s", took, before+saveGrace)
				}
			})
		})
	}
}

// TestRun_Permit shows that no call begins once the worker is shutting down.
func TestRun_Permit(t *testing.T) {
	t.Parallel()
	client := newRedis(t)
	r := newTestRun()
	r.p.Limiter = NewLimiter(client, "key", 0, time.Minute)
	if err := r.permit(t.Context(), nothingElse); err != nil {
		t.Fatal(err)
	}
	if err := r.p.Limiter.Hold(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	waits := newAsked("evalsha")
	client.AddHook(waits)
	result := make(chan error, 1)
	go func() { result <- r.permit(t.Context(), nothingElse) }()
	<-waits.done
	r.p.Drain()
	if err := <-result; !errors.Is(err, errShutdown) {
		t.Errorf("permit() during a shutdown = %v, want errShutdown", err)
	}
	if err := client.Del(t.Context(), r.p.Limiter.key).Err(); err != nil {
		t.Fatal(err)
	}
	if err := r.permit(t.Context(), nothingElse); !errors.Is(err, errShutdown) { // though permits are to be had
		t.Errorf("permit() after a shutdown = %v, want errShutdown", err)
	}
}

// TestRun_Report shows the closing line of a document.
func TestRun_Report(t *testing.T) {
	t.Parallel()
	var lines recorder
	r := newTestRun()
	r.p.Logger = slog.New(&lines)
	r.document.Key, r.document.Batch = "a.pdf", "night"
	r.end = storage.AttemptEnd{RequestID: "req_ours", HTTPStatus: 503}
	r.report(t.Context(), slog.LevelWarn, "document is tried again", "retry", errors.New("unavailable"), slog.Duration("retry_in", time.Second))
	if len(lines) != 1 {
		t.Fatalf("%d lines, want one", len(lines))
	}
	got := lines[0]
	for key, want := range map[string]string{
		"msg": "document is tried again", "level": "WARN", "document_id": r.document.ID.String(), "queue": storage.QueueBulk, "retried": "0",
		"attempts": "0", "object_key": "a.pdf", "batch": "night", "request_id": "req_ours", "status_code": "503", "retry_in": "1s", "err": "unavailable",
	} {
		if got[key] != want {
			t.Errorf("%s is %q, want %q", key, got[key], want)
		}
	}
	for _, key := range []string{"duration", "stages"} {
		if got[key] == "" {
			t.Errorf("%s is missing", key)
		}
	}
}

// recorder is a slog.Handler that keeps the records as text.
type recorder []map[string]string

func (r *recorder) Enabled(context.Context, slog.Level) bool { return true }

func (r *recorder) Handle(_ context.Context, record slog.Record) error {
	line := map[string]string{"msg": record.Message, "level": record.Level.String()}
	record.Attrs(func(attr slog.Attr) bool {
		line[attr.Key] = attr.Value.String()
		return true
	})
	*r = append(*r, line)
	return nil
}

func (r *recorder) WithAttrs([]slog.Attr) slog.Handler { return r }

func (r *recorder) WithGroup(string) slog.Handler { return r }
