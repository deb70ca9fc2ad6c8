package main

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"casflow/internal/casapi/sandbox"
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

// TestChaos_Network cuts connections to Redis and Postgres, and lets answers hang,
// in the midst of the work.
func TestChaos_Network(t *testing.T) {
	t.Parallel()
	toRedis, redisURL := through(t, newRedisURL(t))
	database := storagetest.URL(t)
	toPostgres, throughURL := through(t, database)
	p := newPipelineOn(t, sandbox.Config{Credits: -1, Latency: 10 * time.Millisecond}, database, redisURL)
	all := p.putSamples(samples.Options{Investors: max(60, 14**rounds), Seed: 79})
	p.scan("in/")
	stop := p.startWorker("--concurrency", "6", "--api-timeout", "5s", "--database-url", throughURL)
	defer stop()
	for round := range *rounds {
		if err := p.api.AwaitCalls(t.Context(), 6+12*round); err != nil {
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
	p.awaitParsed(len(all))
	p.accounted(all)
	p.calledOnce(all)
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
