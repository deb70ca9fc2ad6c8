package enqueuercli_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// most is how many objects the largest of the benchmarks of scan has:
//
//	go test -run '^$' -bench Scan -benchtime 3x ./cmd/enqueuer/enqueuercli -most 1000000
var most = flag.Int("most", 100_000, "how many objects the largest benchmark of scan has")

// BenchmarkScan is the program, from its start to its end, over so many objects
// that are new, and again when all are known. Its floor is what no program can do
// without: the bare listing, page after page, and then a COPY of the same rows, on
// the same servers.
func BenchmarkScan(b *testing.B) {
	for n := 10_000; n <= *most; n *= 10 {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			l := setup(b)
			l.bucket += fmt.Sprintf("-%d", n)
			err := s3Server.Fill(b.Context(), l.bucket, func(yield func(string) bool) {
				for i := range n {
					if !yield(fmt.Sprintf("in/2026-05/statement-%07d.pdf", i)) {
						return
					}
				}
			})
			if err != nil {
				b.Fatal(err)
			}
			var floor, fresh, again time.Duration
			var peak int64
			for b.Loop() {
				l.url = storagetest.URL(b)
				floor += l.floor(b, n)
				l.url = storagetest.URL(b)
				took, used := l.timed(b, fmt.Sprintf("%d recorded, 0 known", n))
				fresh, peak = fresh+took, max(peak, used)
				took, used = l.timed(b, fmt.Sprintf("0 recorded, %d known", n))
				again, peak = again+took, max(peak, used)
			}
			all := float64(n * b.N)
			b.ReportMetric(all/fresh.Seconds(), "new/s")
			b.ReportMetric(all/again.Seconds(), "known/s")
			b.ReportMetric(all/floor.Seconds(), "floor/s")
			b.ReportMetric(floor.Seconds()/fresh.Seconds(), "of-floor")
			b.ReportMetric(float64(peak)/1024, "peak-MB")
		})
	}
}

// timed runs a scan as a process of its own, and tells how long it took and how
// much memory it had at most, in kB.
func (l lab) timed(b *testing.B, want string) (took time.Duration, peak int64) {
	b.Helper()
	command, status := program(b, slices.Concat([]string{"scan", l.address("in/"), "--batch", "bench"}, l.settings())...)
	began := time.Now()
	out, err := command.CombinedOutput()
	took = time.Since(began)
	if err != nil || !bytes.Contains(out, []byte(want)) {
		b.Fatalf("%v, %s, want %s", err, out, want)
	}
	text, err := os.ReadFile(status)
	if err != nil {
		b.Fatal("this system does not tell how much memory a process used: ", err)
	}
	_, line, _ := strings.Cut(string(text), "VmHWM:")
	if _, err := fmt.Sscan(line, &peak); err != nil {
		b.Fatal(err)
	}
	return took, peak
}

// floor lists the bucket and copies the rows of what is there, and nothing else.
func (l lab) floor(b *testing.B, n int) time.Duration {
	b.Helper()
	conn, err := pgx.Connect(b.Context(), l.url)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close(b.Context()) }()
	columns := []string{"document_id", "bucket", "object_key", "etag", "size_bytes", "kind", "queue", "batch"}
	rows := make([][]any, 0, n)
	began := time.Now()
	for page, err := range l.store.List(b.Context(), l.bucket, "in/") {
		if err != nil {
			b.Fatal(err)
		}
		for _, o := range page {
			id := storage.DocumentID(o.Bucket, o.Key, o.ETag, storage.KindSmart)
			rows = append(rows, []any{id, o.Bucket, o.Key, o.ETag, o.Size, storage.KindSmart, storage.QueueBulk, "bench"})
		}
	}
	copied, err := conn.CopyFrom(b.Context(), pgx.Identifier{"cas", "documents"}, columns, pgx.CopyFromRows(rows))
	if err != nil || int(copied) != n {
		b.Fatalf("%d copied, %v, want %d", copied, err, n)
	}
	return time.Since(began)
}
