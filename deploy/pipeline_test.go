package deploy_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/uuid"

	"casflow/cmd/enqueuer/enqueuercli"
	"casflow/cmd/worker/workercli"
	"casflow/internal/casapi/sandbox"
	"casflow/internal/devtest"
	"casflow/internal/samples"
	"casflow/internal/storage/objectstore"
	"casflow/internal/storage/storagetest"
)

// pipeline is a worker that runs, and what it runs on.
type pipeline struct {
	t        *testing.T
	settings []string // of both programs
	store    *objectstore.Store
	bucket   string
	metrics  string // HOST:PORT where the worker serves them
}

// startPipeline starts a worker, which ends with the test.
func startPipeline(t *testing.T, flags ...string) *pipeline {
	t.Helper()
	const key = "sk_test_of_the_dashboard"
	api := httptest.NewServer(sandbox.New(sandbox.Config{Key: key, Credits: 100_000}))
	t.Cleanup(api.Close)
	p := &pipeline{t: t, bucket: "b" + uuid.NewString(), settings: []string{
		"--database-url", storagetest.URL(t), "--redis-url", redisServer.URL, "--s3-endpoint", s3Server.Endpoint, "--s3-force-path-style",
		"--secret-key", base64.StdEncoding.EncodeToString(make([]byte, 32)),
	}}
	var err error
	if p.store, err = objectstore.Open(t.Context(), objectstore.Config{Endpoint: s3Server.Endpoint, ForcePathStyle: true}); err != nil {
		t.Fatal(err)
	}
	if err := p.store.CreateBucket(t.Context(), p.bucket); err != nil {
		t.Fatal(err)
	}
	p.metrics = p.start(workercli.Run, append([]string{"run", "--api-base-url", api.URL, "--api-key", key, "--api-rate-per-minute", "60000"}, flags...)...)
	return p
}

// start runs a program until the test ends, and returns the address that it serves.
func (p *pipeline) start(run devtest.Program, args ...string) (address string) {
	p.t.Helper()
	running, err := devtest.Serve(p.t.Context(), run, slices.Concat(args, []string{"--log-format", "json"}, p.settings)...)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { running.Stop() })
	return running.Addr
}

// work has a few more documents parsed, and one die.
func (p *pipeline) work(wave int) {
	p.t.Helper()
	prefix := fmt.Sprintf("w%d/", wave)
	manifest := "key,password\n"
	for s := range samples.Generate(samples.Options{Investors: 3, Seed: uint64(wave + 1), MinBytes: 20_000, MaxBytes: 40_000}) {
		pdf, err := s.PDF()
		if err != nil {
			p.t.Fatal(err)
		}
		p.put(prefix+s.Filename, pdf)
		manifest += prefix + s.Filename + "," + s.Password + "\n"
	}
	p.put(prefix+"none.pdf", []byte("no PDF at all"))
	if wave > 0 {
		p.put(prefix+"again.pdf", p.again()) // has been paid for
	}
	file := filepath.Join(p.t.TempDir(), "manifest.csv")
	if err := os.WriteFile(file, []byte(manifest), 0o600); err != nil {
		p.t.Fatal(err)
	}
	var out bytes.Buffer
	args := append([]string{"scan", "s3://" + p.bucket + "/" + prefix, "--batch", "tonight", "--json", "--password-from", "manifest:" + file}, p.settings...)
	if code := enqueuercli.Run(p.t.Context(), args, &out, &out); code != 0 {
		p.t.Fatalf("scan ended with %d:\n%s", code, &out)
	}
}

// again is a statement of the first wave.
func (p *pipeline) again() []byte {
	p.t.Helper()
	for s := range samples.Generate(samples.Options{Investors: 3, Seed: 1, MinBytes: 20_000, MaxBytes: 40_000}) {
		pdf, err := s.PDF()
		if err != nil {
			p.t.Fatal(err)
		}
		return pdf
	}
	return nil
}

func (p *pipeline) put(key string, content []byte) {
	p.t.Helper()
	if _, err := p.store.Put(p.t.Context(), p.bucket, key, bytes.NewReader(content), int64(len(content)), nil); err != nil {
		p.t.Fatal(err)
	}
}
