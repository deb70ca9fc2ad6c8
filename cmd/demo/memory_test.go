package main

import (
	"fmt"
	"testing"
	"time"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/devstack"
)

const (
	largePDF = 5_000_000 // bytes
	megabyte = 1_000_000
)

// BenchmarkWorker_Memory is the most memory that a worker takes, as the system
// counts it, with 2,000 calls under way for PDFs of 5 MB, each of which takes the
// API 20 s or more, and the most that their sockets hold besides. Without the race
// detector, and with 10 GB of room in TMPDIR:
//
//	go test -run '^$' -bench Worker_Memory ./cmd/demo
func BenchmarkWorker_Memory(b *testing.B) {
	for b.Loop() {
		m := measureMemory(b, 2_000, 20*time.Second)
		b.ReportMetric(float64(m.underWay)/megabyte, "MB-under-way")
		b.ReportMetric(float64(m.peak)/megabyte, "MB-peak")
		b.ReportMetric(float64(m.sockets)/megabyte, "MB-sockets")
		if m.peak > 400*megabyte || m.sockets > 64*megabyte {
			b.Errorf("the worker took %d MB, and its sockets %d MB, want 400 and 64 at most", m.peak/megabyte, m.sockets/megabyte)
		}
	}
}

// TestWorker_Memory: a call under way does not hold its PDF in memory. What the
// race detector takes besides leaves room for no more than this.
func TestWorker_Memory(t *testing.T) {
	t.Parallel()
	const calls = 100
	m := measureMemory(t, calls, 0)
	if m.peak > calls*largePDF || m.sockets > calls*largePDF/10 {
		t.Errorf("the worker took %d MB, and its sockets %d MB, for %d calls with PDFs of %d MB",
			m.peak/megabyte, m.sockets/megabyte, calls, largePDF/megabyte)
	}
}

// memory is what a worker takes, in bytes.
type memory struct {
	underWay int // while all calls are under way
	peak     int
	sockets  int // at most, and besides: the system holds it
}

// measureMemory lets a worker make so many calls at once.
func measureMemory(tb testing.TB, calls int, thinks time.Duration) memory {
	tb.Helper()
	p := newPipeline(tb, sandbox.Config{})
	documents := newLargeDocuments(tb, calls, thinks)
	p.keepSecret("password", documents.Password)
	scan := p.settings("scan", "s3://"+p.bucket+"/in/", "--password-from", `key:([A-Z]{5}[0-9]{4}[A-Z])\.pdf$`)
	p.enqueuer(append(scan, "--s3-endpoint", documents.S3URL)...)
	worker := p.workerProcess("--concurrency", fmt.Sprint(calls), "--window", fmt.Sprint(2*calls), "--s3-endpoint", documents.S3URL,
		"--api-base-url", documents.APIURL, "--api-upload", "multipart", "--api-timeout", "10m")
	select {
	case <-documents.AllUnderWay():
	case <-tb.Context().Done():
		tb.Fatal("never came: all calls under way")
	}
	underWay := worker.memory("VmRSS")
	documents.Answer()
	p.awaitParsed(calls)
	peak := worker.memory("VmHWM")
	worker.terminate()
	if got := p.number(`SELECT count(*) FROM cas.attempts WHERE outcome = 'answered'`); got != calls {
		tb.Errorf("%d calls were answered, want %d", got, calls)
	}
	return memory{underWay: underWay, peak: peak, sockets: int(documents.Sockets())}
}

// memory is one of the sizes that Linux tells of a process, in bytes.
func (w *process) memory(name string) int {
	w.t.Helper()
	bytes, err := devstack.Memory(w.command.Process.Pid, name)
	if err != nil {
		missingProc(w.t, err)
	}
	return int(bytes)
}
