package main

import (
	"testing"
	"time"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/samples"
	"casflow/internal/storage/storagetest"
)

// TestChaos_RedisLosesEverything: Redis is disposable.
func TestChaos_RedisLosesEverything(t *testing.T) {
	t.Parallel()
	server := ownRedis(t)
	p := newPipelineOn(t, sandbox.Config{Credits: -1, Latency: 20 * time.Millisecond}, storagetest.URL(t), server.URL)
	all := p.putSamples(samples.Options{Investors: max(60, 14**rounds), Seed: 59})
	p.scan("in/")
	stop := p.startWorker("--concurrency", "8")
	defer stop()
	for round := range *rounds {
		if err := p.api.AwaitCalls(t.Context(), 8+12*round); err != nil {
			t.Fatal(err)
		}
		if round%2 == 0 {
			if err := p.redis.FlushAll(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	p.awaitParsed(len(all))
	p.accounted(all)
	p.calledOnce(all)
}

// TestChaos_RedisFull: a Redis that refuses to take more slows the worker down,
// and it goes on when there is room again.
func TestChaos_RedisFull(t *testing.T) {
	t.Parallel()
	p := newPipelineOn(t, sandbox.Config{Credits: -1, Latency: 10 * time.Millisecond}, storagetest.URL(t), ownRedis(t).URL)
	all := p.putSamples(samples.Options{Investors: 60, Seed: 73})
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
	p.awaitParsed(len(all))
	p.accounted(all)
	p.calledOnce(all)
}
