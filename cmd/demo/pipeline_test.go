package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"io"
	"iter"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"casflow/cmd/enqueuer/enqueuercli"
	"casflow/cmd/worker/workercli"
	"casflow/internal/casapi/sandbox"
	"casflow/internal/config"
	"casflow/internal/jobs"
	"casflow/internal/redact"
	"casflow/internal/samples"
	"casflow/internal/storage"
	"casflow/internal/storage/objectstore"
	"casflow/internal/storage/storagetest"
)

// pipeline is what one test runs both programs on.
type pipeline struct {
	t       testing.TB
	url     string // of the database
	redis   redis.UniversalClient
	redisAt string
	store   *objectstore.Store
	bucket  string
	api     *sandbox.Sandbox
	apiURL  string

	keyFile   string     // of the API key; "" gives the key itself
	passwords [][]string // key, password

	log, stdout output // what the programs wrote to stderr and to stdout

	mu      sync.Mutex
	secrets secrets
}

const apiKey = "sk_test_of_the_pipeline"

func newPipeline(tb testing.TB, c sandbox.Config) *pipeline {
	tb.Helper()
	return newPipelineOn(tb, c, storagetest.URL(tb), newRedisURL(tb))
}

// newPipelineOn is newPipeline on a migrated database and a Redis that the test
// may treat badly.
func newPipelineOn(tb testing.TB, c sandbox.Config, database, redisAt string) *pipeline {
	tb.Helper()
	p := &pipeline{t: tb, url: database, redisAt: redisAt, bucket: "b" + uuid.NewString(), secrets: make(secrets)}
	client, err := jobs.OpenRedis(tb.Context(), redact.Secret(p.redisAt))
	if err != nil {
		tb.Fatal(err)
	}
	p.redis = client
	tb.Cleanup(func() { _ = client.Close() })
	if err := client.FlushDB(tb.Context()).Err(); err != nil { // what an earlier test left
		tb.Fatal(err)
	}
	p.store, err = objectstore.Open(tb.Context(), objectstore.Config{Endpoint: s3Server.Endpoint, ForcePathStyle: true})
	if err != nil {
		tb.Fatal(err)
	}
	if err := p.store.CreateBucket(tb.Context(), p.bucket); err != nil {
		tb.Fatal(err)
	}
	c.Key = apiKey
	p.api = sandbox.New(c)
	server := httptest.NewServer(p.api)
	tb.Cleanup(server.Close)
	p.apiURL = server.URL
	tb.Cleanup(func() {
		if tb.Failed() {
			text := p.logged()
			tb.Logf("the programs' log ends:\n%s", text[max(0, len(text)-3000):])
		}
	})
	p.keepSecret("API key", apiKey)
	p.keepSecret("secret key", secretKey)
	p.keepSecret("S3 key", s3Server.SecretKey.Reveal())
	tb.Cleanup(p.noLeaks)
	return p
}

// Write takes what the programs write to stderr.
func (p *pipeline) Write(text []byte) (int, error) { return p.log.Write(text) }

func (p *pipeline) logged() string { return p.log.String() }

// alsoTo keeps what a program writes to stdout, and hands it on.
func (p *pipeline) alsoTo(out io.Writer) io.Writer { return io.MultiWriter(&p.stdout, out) }

// put stores an object, and notes the passwords that the manifest is to have.
func (p *pipeline) put(key string, content []byte, passwords ...string) {
	p.t.Helper()
	if _, err := p.store.Put(p.t.Context(), p.bucket, key, bytes.NewReader(content), int64(len(content)), nil); err != nil {
		p.t.Fatal(err)
	}
	for _, password := range passwords {
		p.passwords = append(p.passwords, []string{key, password})
	}
}

// remove deletes an object: casflow itself never does.
func (p *pipeline) remove(key string) {
	p.t.Helper()
	client := s3.New(s3.Options{
		BaseEndpoint: aws.String(s3Server.Endpoint), UsePathStyle: true, Region: s3Server.Region,
		Credentials: credentials.NewStaticCredentialsProvider(s3Server.AccessKey, s3Server.SecretKey.Reveal(), ""),
	})
	if _, err := client.DeleteObject(p.t.Context(), &s3.DeleteObjectInput{Bucket: &p.bucket, Key: &key}); err != nil {
		p.t.Fatal(err)
	}
}

// sample is one sample statement in S3.
type sample struct {
	*samples.Sample
	key string
	pdf []byte
	sum [32]byte
}

// putSamples stores samples of moderate size, each with its password.
func (p *pipeline) putSamples(o samples.Options) []sample {
	p.t.Helper()
	return p.putAll(samples.Generate(moderate(o)))
}

// moderate gives samples a moderate size, where none is asked for.
func moderate(o samples.Options) samples.Options {
	if o.MaxBytes == 0 {
		o.MinBytes, o.MaxBytes = 20_000, 60_000
	}
	return o
}

func (p *pipeline) putAll(generated iter.Seq[*samples.Sample]) []sample {
	p.t.Helper()
	var all []sample
	for s := range generated {
		pdf, err := s.PDF()
		if err != nil {
			p.t.Fatal(err)
		}
		one := sample{Sample: s, key: "in/" + s.Filename, pdf: pdf, sum: sha256.Sum256(pdf)}
		p.put(one.key, pdf, s.Password)
		p.keepSecretsOf(one)
		all = append(all, one)
	}
	return all
}

var secretKey = base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))

// settings are the flags of both programs.
func (p *pipeline) settings(args ...string) []string {
	return append(args, "--database-url", p.url, "--redis-url", p.redisAt, "--s3-endpoint", s3Server.Endpoint,
		"--s3-force-path-style", "--secret-key", secretKey)
}

// enqueuer runs enqueuer and returns its stdout.
func (p *pipeline) enqueuer(args ...string) string {
	p.t.Helper()
	var out bytes.Buffer
	if code := enqueuercli.Run(p.t.Context(), args, p.alsoTo(&out), p); code != config.ExitDone {
		p.t.Fatalf("enqueuer %s: exit code %d\n%s", args[0], code, p.logged())
	}
	return out.String()
}

// scan records all objects under a prefix, with the passwords of the manifest.
func (p *pipeline) scan(prefix string, args ...string) string {
	p.t.Helper()
	for _, row := range p.passwords {
		p.keepSecret("password", row[1])
	}
	manifest := filepath.Join(p.t.TempDir(), "manifest.csv")
	file, err := os.Create(manifest)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := csv.NewWriter(file).WriteAll(append([][]string{{"key", "password"}}, p.passwords...)); err != nil {
		p.t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		p.t.Fatal(err)
	}
	return p.enqueuer(p.settings(append([]string{
		"scan", "s3://" + p.bucket + "/" + prefix, "--password-from", "manifest:" + manifest, "--json",
	}, args...)...)...)
}

// worker runs worker until ctx ends, or until it has drained, and returns its
// exit code. Later flags override earlier ones.
func (p *pipeline) worker(ctx context.Context, args ...string) int {
	return workercli.Run(ctx, p.workerArgs(args...), &p.stdout, p)
}

// workerArgs is the command line of a worker.
func (p *pipeline) workerArgs(args ...string) []string {
	p.t.Helper()
	key := []string{"--api-key", apiKey}
	if p.keyFile != "" {
		key = []string{"--api-key-file", p.keyFile}
	}
	all := p.settings("run", "--api-base-url", p.apiURL, key[0], key[1], "--addr", "127.0.0.1:0", "--log-format", "json",
		"--api-rate-per-minute", "0", "--backoff-base", "20ms", "--backoff-max", "200ms")
	return append(all, args...)
}

// drain runs worker --drain to its end.
func (p *pipeline) drain(args ...string) {
	p.t.Helper()
	if code := p.worker(p.t.Context(), append([]string{"--drain"}, args...)...); code != config.ExitDone {
		p.t.Fatalf("worker run --drain: exit code %d", code)
	}
}

// drainQueue runs a worker until no task is left in Redis: for tasks that the
// ledger does not know of.
func (p *pipeline) drainQueue() {
	p.t.Helper()
	ctx, stop := context.WithCancel(p.t.Context())
	defer stop()
	ended := make(chan int, 1)
	go func() { ended <- p.worker(ctx) }()
	p.await("an empty queue", func() bool { return p.tasks() == 0 })
	stop()
	if code := <-ended; code != config.ExitDone {
		p.t.Fatalf("worker run: exit code %d", code)
	}
}

// tasks counts the tasks in Redis that something is still to be done about.
func (p *pipeline) tasks() int64 {
	p.t.Helper()
	var left int64
	for _, queue := range []string{storage.QueueInteractive, storage.QueueBulk} {
		prefix := "asynq:{" + queue + "}:"
		for _, n := range []*redis.IntCmd{
			p.redis.LLen(p.t.Context(), prefix+"pending"), p.redis.LLen(p.t.Context(), prefix+"active"),
			p.redis.ZCard(p.t.Context(), prefix+"retry"), p.redis.ZCard(p.t.Context(), prefix+"scheduled"),
		} {
			if n.Err() != nil {
				p.t.Fatal(n.Err())
			}
			left += n.Val()
		}
	}
	return left
}

// awaitLog waits until the programs have logged a text.
func (p *pipeline) awaitLog(text string) {
	p.t.Helper()
	p.await("log: "+text, func() bool { return strings.Contains(p.logged(), text) })
}

// awaitAddress waits until a program has logged that it serves something, API or
// metrics, and returns the address.
func (p *pipeline) awaitAddress(what string) string {
	p.t.Helper()
	expression, address := regexp.MustCompile(`"msg":"`+what+` (?:is|are) served","addr":"([^"]+)"`), ""
	p.await(what+" served", func() bool {
		if found := expression.FindStringSubmatch(p.logged()); found != nil {
			address = found[1]
		}
		return address != ""
	})
	return address
}

// await waits until what cannot tell by itself has happened, or the test's time
// is over.
func (p *pipeline) await(what string, happened func() bool) {
	p.t.Helper()
	await(p.t, what, happened)
}

func await(tb testing.TB, what string, happened func() bool) {
	tb.Helper()
	// Less and less often: a question to Postgres costs a connection.
	for pause := 5 * time.Millisecond; !happened(); pause = min(pause*5/4, 150*time.Millisecond) {
		select {
		case <-time.After(pause):
		case <-tb.Context().Done():
			tb.Fatalf("never came: %s", what)
		}
	}
}
