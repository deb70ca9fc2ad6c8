package main

import (
	"net/url"
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
