package enqueuercli_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"casflow/cmd/enqueuer/enqueuercli"
	"casflow/internal/storage"
	"casflow/internal/storage/objectstore"
	"casflow/internal/storage/storagetest"
)

const (
	// hush is in every password of these tests, and in no output.
	hush             = "hush"
	passwordVariable = "TEST_PDF_PASSWORD"
	envPassword      = hush + "-environment"
)

// secretKey is what seals passwords in these tests.
var secretKey = base64.StdEncoding.EncodeToString(secretBytes)

var secretBytes = bytes.Repeat([]byte{7}, 32)

// lab is a migrated database and a bucket, both empty.
type lab struct {
	db     *storage.DB
	url    string // of the database
	store  *objectstore.Store
	bucket string
}

var buckets atomic.Int64

func setup(tb testing.TB) lab {
	tb.Helper()
	l := lab{bucket: fmt.Sprintf("statements-%d", buckets.Add(1))}
	l.db, l.url = storagetest.NewURL(tb)
	var err error
	l.store, err = objectstore.Open(tb.Context(), objectstore.Config{Endpoint: s3Server.Endpoint, ForcePathStyle: true})
	if err != nil {
		tb.Fatal(err)
	}
	if err := l.store.CreateBucket(tb.Context(), l.bucket); err != nil {
		tb.Fatal(err)
	}
	return l
}

// put writes objects whose content is their key, without metadata.
func (l lab) put(t *testing.T, keys ...string) []objectstore.Info {
	t.Helper()
	infos := make([]objectstore.Info, len(keys))
	for n, key := range keys {
		infos[n] = l.putWith(t, key, key, nil)
	}
	return infos
}

func (l lab) putWith(t *testing.T, key, content string, metadata map[string]string) objectstore.Info {
	t.Helper()
	info, err := l.store.Put(t.Context(), l.bucket, key, strings.NewReader(content), int64(len(content)), metadata)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func (l lab) address(key string) string { return "s3://" + l.bucket + "/" + key }

// settings are the flags of commands that need everything.
func (l lab) settings() []string {
	return []string{"--database-url", l.url, "--redis-url", redisServer.URL, "--s3-endpoint", s3Server.Endpoint, "--s3-force-path-style"}
}

func (l lab) scan(t *testing.T, prefix string, flags ...string) result {
	t.Helper()
	return run(t, slices.Concat([]string{"scan", l.address(prefix)}, l.settings(), flags)...)
}

// submit takes keys, and flags as --NAME=VALUE.
func (l lab) submit(t *testing.T, keysAndFlags ...string) result {
	t.Helper()
	args := append([]string{"submit"}, l.settings()...)
	for _, word := range keysAndFlags {
		if !strings.HasPrefix(word, "--") {
			word = l.address(word)
		}
		args = append(args, word)
	}
	return run(t, args...)
}

func (l lab) redrive(t *testing.T, flags ...string) result {
	t.Helper()
	return run(t, slices.Concat([]string{"dead", "redrive"}, l.settings(), flags)...)
}

// discard needs Postgres and Redis.
func (l lab) discard(t *testing.T, flags ...string) result {
	t.Helper()
	return l.ask(t, append([]string{"dead", "discard", "--redis-url", redisServer.URL}, flags...)...)
}

// ask runs a command that needs Postgres alone.
func (l lab) ask(t *testing.T, words ...string) result {
	t.Helper()
	return run(t, append(words, "--database-url", l.url)...)
}

// documents are the rows of the ledger by key: columns, as SQL has them.
func (l lab) documents(t *testing.T, columns string) [][]string {
	t.Helper()
	return storagetest.Rows(t, l.url, "SELECT "+columns+" FROM cas.documents ORDER BY object_key")
}

// wantCount checks how many documents the ledger has.
func (l lab) wantCount(t *testing.T, want int) {
	t.Helper()
	if got := l.documents(t, "object_key"); len(got) != want {
		t.Errorf("%d documents are recorded, want %d", len(got), want)
	}
}

// result is what a command came to.
type result struct {
	code           int
	stdout, stderr string
}

// run runs the program as main does, and checks that it tells no secret: the
// passwords of URLs and PDFs, and what opens them.
func run(t *testing.T, args ...string) result {
	t.Helper()
	return runUntil(t.Context(), t, args...)
}

func runUntil(ctx context.Context, t *testing.T, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := enqueuercli.Run(ctx, args, &stdout, &stderr)
	r := result{code, stdout.String(), stderr.String()}
	secrets := []string{hush, secretKey, s3Server.SecretKey.Reveal()}
	for _, arg := range args {
		if u, err := url.Parse(arg); err == nil && u.User != nil {
			password, _ := u.User.Password()
			secrets = append(secrets, password)
		}
	}
	for _, secret := range secrets {
		if strings.Contains(r.stdout+r.stderr, secret) {
			t.Errorf("a secret is told:\n%s%s", r.stdout, r.stderr)
		}
	}
	return r
}

// wantDone checks that the command succeeded with nothing to complain about, and
// returns what it wrote.
func (r result) wantDone(t *testing.T) string {
	t.Helper()
	if r.code != 0 || r.stderr != "" {
		t.Fatalf("exit code %d, stderr %q, want 0 and none", r.code, r.stderr)
	}
	return r.stdout
}

// wantFaults checks that the command failed with code, wrote no result, and told
// as many lines as there are faults; each is the words, apart by "...", that are
// to be in one line in this order.
func (r result) wantFaults(t *testing.T, code int, faults ...string) {
	t.Helper()
	if r.code != code || r.stdout != "" {
		t.Errorf("exit code %d, stdout %q, want %d and none", r.code, r.stdout, code)
	}
	lines := strings.Split(strings.TrimSuffix(r.stderr, "\n"), "\n")
	if len(lines) != len(faults) {
		t.Errorf("%d lines, want %d", len(lines), len(faults))
	}
	for _, fault := range faults {
		if !slices.ContainsFunc(lines, func(line string) bool { return tells(line, fault) }) {
			t.Errorf("no line tells %q", fault)
		}
	}
	if t.Failed() {
		t.Logf("stderr:\n%s", r.stderr)
	}
}

func tells(line, fault string) bool {
	if !strings.HasPrefix(line, "enqueuer: ") {
		return false
	}
	for words := range strings.SplitSeq(fault, "...") {
		_, rest, ok := strings.Cut(line, words)
		if !ok {
			return false
		}
		line = rest
	}
	return true
}

// decode reads JSON that has no other members than T.
func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&v); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	return v
}
