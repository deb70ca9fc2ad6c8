package main

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/devstack"
	"casflow/internal/samples"
	"casflow/internal/storage/storagetest"
)

// through gives the address of a server by way of a proxy.
func through(t *testing.T, address string) (*proxy, string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	p := newProxy(t, u.Host)
	u.Host = p.addr()
	return p, u.String()
}

// TestChaos_RedisFull: a Redis that refuses to take more slows the worker down,
// and it goes on when there is room again.
func TestChaos_RedisFull(t *testing.T) {
	t.Parallel()
	const documents = 60
	server, err := devstack.StartRedis(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	_, database := storagetest.NewURL(t)
	p := newPipelineOn(t, sandbox.Config{Credits: -1, Latency: 10 * time.Millisecond}, database, server.URL)
	p.putSamples(samples.Options{Investors: documents, Seed: 73})
	p.scan("in/")
	stop := p.startWorker("--concurrency", "4")
	defer stop()
	if err := p.api.AwaitCalls(t.Context(), 8); err != nil {
		t.Fatal(err)
	}
	if err := p.redis.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	p.awaitLog("slowing down")
	if err := p.redis.ConfigSet(t.Context(), "maxmemory", "0").Err(); err != nil {
		t.Fatal(err)
	}
	p.awaitParsed(documents)
	p.accounted(documents)
	if got := p.api.Totals().Billed; got != documents {
		t.Errorf("%d calls billed, want %d", got, documents)
	}
}

// TestChaos_Network cuts connections to Redis and Postgres, and lets answers hang,
// in the midst of the work.
func TestChaos_Network(t *testing.T) {
	t.Parallel()
	const documents = 80
	toRedis, redisURL := through(t, newRedisURL(t))
	_, database := storagetest.NewURL(t)
	toPostgres, throughURL := through(t, database)
	p := newPipelineOn(t, sandbox.Config{Credits: -1, Latency: 10 * time.Millisecond}, database, redisURL)
	p.putSamples(samples.Options{Investors: documents, Seed: 79})
	p.scan("in/")
	stop := p.startWorker("--concurrency", "6", "--api-timeout", "5s", "--database-url", throughURL)
	defer stop()
	for round := range *rounds {
		if err := p.api.AwaitCalls(t.Context(), min(6+12*round, documents)); err != nil {
			t.Fatal(err)
		}
		toRedis.cut()
		toPostgres.cut()
		if round%3 == 1 {
			toRedis.hold()
			p.await("answers that hang", func() bool { return toRedis.held() >= 3 })
			toRedis.release()
		}
	}
	p.awaitParsed(documents)
	p.accounted(documents)
	if got := p.api.Totals().Billed; got != documents {
		t.Errorf("%d calls billed, want %d: no answer may be lost", got, documents)
	}
}

// TestChaos_HugeAnswers: an answer of 30 MB is stored, one beyond the limit is not,
// and the worker goes on.
func TestChaos_HugeAnswers(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sandbox.Config{Credits: -1})
	all := p.putSamples(samples.Options{Investors: 4, Seed: 83})
	padded := func(s sample, size int) sandbox.Fault {
		body := strings.TrimSuffix(string(s.Answer), "}") + `,"padding":"` + strings.Repeat("x", size) + `"}`
		return sandbox.Fault{Status: 200, Body: body}
	}
	p.api.FailDocument(all[0].sum, padded(all[0], 30<<20))
	p.api.FailDocument(all[1].sum, padded(all[1], 40<<20))
	p.api.FailDocument(all[2].sum, sandbox.Fault{Status: 200, Body: `{"meta":` + strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000) + `}`})
	p.scan("in/")
	p.drain()
	fates := p.fates()
	for i, want := range []string{"parsed", "bad_answer", "bad_answer", "parsed"} {
		got := fates[all[i].key]
		if got.Status != want && got.Reason != want {
			t.Errorf("document %d: %+v, want %s", i, got, want)
		}
	}
	if got := p.value(`SELECT count(*) FROM cas.statements WHERE length(extra->>'padding') = 31457280`); got != "1" {
		t.Errorf("%s statements have all of the 30 MB", got)
	}
}
