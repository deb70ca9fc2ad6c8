package server

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"casflow/client"
)

// benchmarkLab is a lab with n objects, 0.pdf and so on, whose log is off.
func benchmarkLab(b *testing.B, n int) *lab {
	b.Helper()
	l := setup(b, func(c *Config) { c.Logger = slog.New(slog.DiscardHandler) })
	for i := range n {
		l.put(b, fmt.Sprintf("%d.pdf", i))
	}
	return l
}

// BenchmarkServer_PostDocument submits new documents one by one, eight callers at
// once, on loopback, to a real Postgres, Redis and the S3 server of the tests.
func BenchmarkServer_PostDocument(b *testing.B) {
	b.ReportAllocs()
	l := benchmarkLab(b, b.N)
	var next atomic.Int64
	b.SetParallelism(4) // of GOMAXPROCS each
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			line := l.lineOf(fmt.Sprintf("%d.pdf", next.Add(1)-1), "")
			if r := l.post(b, "/v1/documents", line); r.status != http.StatusAccepted {
				b.Errorf("status %d: %s", r.status, r.body)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "documents/s")
}

// BenchmarkServer_PostBatch submits new documents in one NDJSON stream. An
// operation is a line.
func BenchmarkServer_PostBatch(b *testing.B) {
	b.ReportAllocs()
	l := benchmarkLab(b, b.N)
	c, err := client.New(client.Config{BaseURL: l.url, Token: token})
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	lines := 0
	for result, err := range c.SubmitAll(b.Context(), func(yield func(client.Submission) bool) {
		for n := range b.N {
			if !yield(client.Submission{Bucket: l.bucket, Key: fmt.Sprintf("%d.pdf", n)}) {
				return
			}
		}
	}) {
		if err != nil || !result.New {
			b.Fatalf("result %+v, %v", result, err)
		}
		lines++
	}
	if lines != b.N {
		b.Errorf("%d results, want %d", lines, b.N)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "documents/s")
}

// BenchmarkServer_Refuse is what a line costs that is refused before S3 or the
// ledger is asked: the server's own share.
func BenchmarkServer_Refuse(b *testing.B) {
	b.ReportAllocs()
	l := benchmarkLab(b, 0)
	body := strings.NewReader(strings.Repeat(`{"bucket":"b","key":"a.pdf","kind":"papyrus"}`+"\n", b.N))
	b.ResetTimer()
	for sent := 0; sent < b.N; sent += l.MaxBatchLines {
		size := int64(46 * min(l.MaxBatchLines, b.N-sent))
		if r := l.send(b, http.MethodPost, "/v1/documents:batch", io.LimitReader(body, size), ndjson); r.status != http.StatusOK {
			b.Fatalf("status %d: %s", r.status, r.body)
		}
	}
}
