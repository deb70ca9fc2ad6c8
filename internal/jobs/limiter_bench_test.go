package jobs

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"casflow/internal/storage"
)

// BenchmarkLimiter_Wait takes one permit per iteration out of a backlog on three
// workers. used is the share of the permitted calls that were made, crowd the
// most calls in any minute, of those permitted in one: run it for longer than a
// minute to see more than use.
//
//	go test -run '^$' -bench Limiter_Wait/6000 -benchtime 70s ./internal/jobs
func BenchmarkLimiter_Wait(b *testing.B) {
	for _, perMinute := range []int{60, 600, 6000} {
		b.Run(fmt.Sprint(perMinute), func(b *testing.B) {
			b.ReportAllocs()
			client := newRedis(b)
			ctx, cancel := context.WithCancel(b.Context())
			permits := make(chan time.Time)
			var group sync.WaitGroup
			for range 3 {
				limiter := NewLimiter(client, "key", perMinute, time.Minute)
				for range 10 {
					group.Go(func() {
						for limiter.Wait(ctx, storage.QueueBulk) == nil {
							select {
							case permits <- time.Now():
							case <-ctx.Done():
							}
						}
					})
				}
			}
			began := <-permits // the first one comes at once
			calls := []time.Time{began}
			for b.Loop() {
				calls = append(calls, <-permits)
			}
			took := calls[len(calls)-1].Sub(began)
			cancel()
			group.Wait()
			slices.SortFunc(calls, time.Time.Compare)
			b.ReportMetric(100*float64(len(calls)-1)*float64(time.Minute)/float64(perMinute)/float64(took), "%used")
			b.ReportMetric(float64(crowd(calls)*100)/float64(perMinute), "%crowd")
		})
	}
}

// BenchmarkLimiter_Report is what the breaker adds to a call that failed; one that was
// answered is told of with the next permit.
func BenchmarkLimiter_Report(b *testing.B) {
	b.ReportAllocs()
	limiter := NewLimiter(newRedis(b), "key", 60, time.Minute)
	for b.Loop() {
		if err := limiter.Report(b.Context(), HealthUnknown, time.Second); err != nil {
			b.Fatal(err)
		}
	}
}

// crowd is the largest number of calls in any 60 s, the last instant of which is
// the next window's, as the API counts.
func crowd(calls []time.Time) int {
	most, from := 0, 0
	for i, call := range calls {
		for call.Sub(calls[from]) >= time.Minute {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}
