package workercli_test

import (
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

const (
	nobody     = "127.0.0.1:1" // a port that nothing listens on
	apiKey     = "sk_" + hush
	noDatabase = "DATABASE_URL (--database-url): not set; give it as postgres://"
	noAPIKey   = "CASPARSER_API_KEY (--api-key): not set, nor is CASPARSER_API_KEY_FILE (--api-key-file)"
)

// settings are those of a worker that has everything; the API's stand-in refuses
// to be called.
func settings(t *testing.T, database string) []string {
	t.Helper()
	api := httptest.NewServer(sandbox.New(sandbox.Config{Key: apiKey}))
	t.Cleanup(api.Close)
	return []string{
		"--database-url", database, "--redis-url", redisServer.URL, "--s3-endpoint", s3Server.Endpoint, "--s3-force-path-style",
		"--api-base-url", api.URL, "--api-key", apiKey, "--addr", "127.0.0.1:0", "--log-format", "json",
	}
}

// What is wrong with the settings is told before anything is connected to, all of
// it at once.
func TestRun_BadUsage(t *testing.T) {
	t.Parallel()
	complete := settings(t, "postgres://u:hush@"+nobody+"/casflow?sslmode=disable")
	empty := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		args []string
		want []string
	}{
		{"nothing set", []string{"run"}, []string{noDatabase, noAPIKey}},
		{"nothing set, no command", nil, []string{noDatabase, noAPIKey}},
		{"nothing set, a flag alone", []string{"--drain"}, []string{noDatabase, noAPIKey}},
		{"sandbox key", slices.Concat([]string{"run"}, complete, []string{"--api-key", "sandbox-with-json-responses"}), []string{
			"CASPARSER_API_KEY (--api-key): is the sandbox key...give a key of your own, or set CASPARSER_ALLOW_SANDBOX=true",
		}},
		{"empty key file", slices.Concat([]string{"run"}, complete, []string{"--api-key=", "--api-key-file", empty}), []string{
			"CASPARSER_API_KEY_FILE (--api-key-file): is...a file without text",
		}},
		{
			"everything wrong",
			[]string{
				"run", "--database-url", "postgres://u:hu/sh@h/d", "--redis-url", "redis://:hush@h:0", "--s3-endpoint", "h", "--api-base-url", "h",
				"--api-timeout", "soon", "--api-upload", "mail", "--secret-key", "hush", "--concurrency", "0", "--max-attempts", "x",
				"--backoff-base", "1h", "--window=-1", "--addr", "9091", "--log-level", "loud",
			},
			[]string{
				"DATABASE_URL (--database-url): has an @ where the path is", "REDIS_URL (--redis-url): has a port", "AWS_ENDPOINT_URL_S3",
				"CASPARSER_BASE_URL", noAPIKey, "CASPARSER_TIMEOUT (--api-timeout): is \"soon\"; expected a duration", "CASPARSER_UPLOAD",
				"CASFLOW_SECRET_KEY (--secret-key): has 3 bytes", "CASFLOW_CONCURRENCY (--concurrency): is 0; expected at least 1",
				"CASFLOW_MAX_ATTEMPTS", "CASFLOW_BACKOFF_MAX", "CASFLOW_WINDOW", "CASFLOW_ADDR", "CASFLOW_LOG_LEVEL",
			},
		},
		{"unknown command", []string{"start"}, []string{"unexpected argument start; commands are run, migrate, resume, reconcile, replay, erase, doctor; see worker run --help"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := run(t, test.args...)
			r.wantFaults(t, 2, test.want...)
			if len(r.logged) > 0 {
				t.Errorf("the worker has started:\n%s", strings.Join(r.logged, "\n"))
			}
		})
	}
}

// A worker that cannot work says in its last line what to mend.
func TestRun_Failures(t *testing.T) {
	t.Parallel()
	migrated, unreachable := storagetest.URL(t), "postgres://u:hush@"+nobody+"/casflow?sslmode=disable"
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	for _, test := range []struct {
		name     string
		database string
		extra    []string // settings that win
		want     string
	}{
		{"no schema", storagetest.Empty(t), nil, "the database's schema is at version 0, this program needs...: run worker migrate up"},
		{"no Postgres", unreachable, nil, "postgres at 127.0.0.1:1 cannot be reached; check DATABASE_URL and that the server runs"},
		{
			"no Postgres, but the sandbox key is taken", unreachable,
			[]string{"--api-key", "sandbox-with-json-responses", "--api-allow-sandbox"},
			"postgres at 127.0.0.1:1 cannot be reached",
		},
		{
			"no Redis", migrated,
			[]string{"--redis-url", "redis://:hush@" + nobody + "/0"},
			"redis at 127.0.0.1:1 cannot be reached; check REDIS_URL and that the server runs",
		},
		{"address taken", migrated, []string{"--addr", taken.Addr().String()}, taken.Addr().String() + "...address already in use"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			run(t, slices.Concat([]string{"run"}, settings(t, test.database), test.extra)...).wantFaults(t, 1, test.want)
		})
	}
}

// With nothing to do, a draining worker ends; whether documents are dead is told
// to those who ask. One at a time, because they share a Redis.
func TestRun_Drained(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	args := append(settings(t, address), "--drain")
	r := run(t, append([]string{"run"}, args...)...).wantDone(t)
	if r.stdout != "" || len(r.logged) == 0 {
		t.Errorf("stdout %q and %d lines of log, want none and some", r.stdout, len(r.logged))
	}

	document := storage.NewDocument{
		ID: uuid.New(), Bucket: "statements", Key: "a.pdf", ETag: "etag", Kind: storage.KindSmart, Queue: storage.QueueBulk,
	}
	if _, err := db.Record(t.Context(), []storage.NewDocument{document}); err != nil {
		t.Fatal(err)
	}
	letter := storage.DeadLetter{DocumentID: document.ID, Reason: storage.ReasonNotAPDF, Message: "no PDF"}
	if err := db.Bury(t.Context(), letter, storage.AttemptEnd{}); err != nil {
		t.Fatal(err)
	}
	run(t, args...).wantDone(t) // run is what a worker does without a command
	run(t, append(args, "--fail-on-dead")...).wantFaults(t, 3, "some documents are dead-lettered: 1, see enqueuer dead list")
}
