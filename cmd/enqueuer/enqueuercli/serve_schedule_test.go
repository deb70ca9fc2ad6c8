package enqueuercli_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/storage/storagetest"
)

// yearly is far away, on all but one day.
const yearly = "0 0 1 1 *"

// missed makes a schedule known that was last due years ago, so that it is due.
func (l lab) missed(t *testing.T, name string) {
	t.Helper()
	storagetest.Rows(t, l.url, `INSERT INTO cas.schedules (schedule, due_at) VALUES ('`+name+`', '2020-01-01') RETURNING schedule`)
}

// TestServe_Schedule: what became due while nothing ran is scanned once, and recorded
// as an event of S3 would be; what fails says why, and what is not due waits.
func TestServe_Schedule(t *testing.T) {
	t.Parallel()
	l := setup(t)
	event := l.putWith(t, "in/a.pdf", "a", map[string]string{"pw": hush + "-metadata"})
	l.put(t, "in/b.pdf", "in/notes.txt", "later/c.pdf")
	due, fails, later := yearly+" "+l.address("in/"), yearly+" s3://no-such-bucket/ZZZPA0001Z/", "1 "+yearly[2:]+" "+l.address("later/")
	l.missed(t, due)
	l.missed(t, strings.Replace(fails, "ZZZPA0001Z", "ZZ*******Z", 1))
	q := startQueue(t)
	q.Send("events", created(event))
	flags := []string{
		"--schedule", yearly, "--scan", l.address("in/"), "--schedule", yearly, "--scan", "s3://no-such-bucket/ZZZPA0001Z/",
		"--schedule", "1 " + yearly[2:], "--scan", l.address("later/"), "--schedule-zone", "UTC", "--schedule-batch", "night-{date}",
		"--event-queue", "interactive", "--event-batch", "events", "--password-from", "metadata:pw", "--sqs-url", q.url,
	}
	s := l.start(t, flags...)
	s.await(t, `"msg":"scheduled run ended","schedule":"`+regexp.QuoteMeta(due))
	s.await(t, `"msg":"bucket scanned","schedule":"`+regexp.QuoteMeta(due)+`","batch":"night-\d{4}-\d\d-\d\d","listed":3,"new":[12],"known":[01],"left_out":1,"resumed":false`)
	s.await(t, `"msg":"scheduled run failed","schedule":"`+regexp.QuoteMeta(yearly)+` s3://no-such-bucket/ZZ\*\*\*\*\*\*\*Z/","err":"`)
	q.awaitLeft(t, "events", 0)
	// Whoever came first, each object is one document.
	want := [][]string{{"in/a.pdf", "interactive", "smart"}, {"in/b.pdf", "interactive", "smart"}}
	if diff := cmp.Diff(want, l.documents(t, "object_key, queue, kind")); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
	if got := l.passwords(t)["in/a.pdf"]; !slices.Equal(got, []string{hush + "-metadata"}) {
		t.Errorf("passwords are %v", got)
	}
	s.wantMetrics(t, `cas_schedule_runs_total{outcome="done"} 1`, `cas_schedule_runs_total{outcome="failed"} 1`, `cas_schedule_runs_total{outcome="cut_short"} 0`)

	text := l.ask(t, "status").wantDone(t)
	for _, line := range []string{regexp.QuoteMeta(due) + " +done +at 20", regexp.QuoteMeta(later) + " +waits +has not run yet", `no-such-bucket/ZZ\*{7}Z/ +failed +at 20.*: .`} {
		if !fits(text, line) {
			t.Errorf("status has no line %q:\n%s", line, text)
		}
	}
	if code, log := s.stop(); code != 0 || strings.Contains(log, "ZZZPA") || strings.Contains(log, hush) {
		t.Errorf("exit code %d, want 0 and no secret:\n%s", code, log)
	}
	text = l.ask(t, "status").wantDone(t)
	for _, line := range []string{regexp.QuoteMeta(due) + " +off +no server has it now; its last run was done at 20", regexp.QuoteMeta(later) + " +off +no server has it now; it has not run yet"} {
		if !fits(text, line) {
			t.Errorf("status has no line %q once the server has stopped:\n%s", line, text)
		}
	}

	// The next server has nothing to catch up with.
	s = l.start(t, flags...)
	s.stop()
	rows := storagetest.Rows(t, l.url, `SELECT count(*) FROM cas.scans`)
	if rows[0][0] != "1" {
		t.Errorf("%s scans have begun, want 1", rows[0][0])
	}
}

// TestServe_ScheduleTwice: of two servers one scans, again and again, and the other one
// takes over.
func TestServe_ScheduleTwice(t *testing.T) {
	t.Parallel()
	l := setup(t)
	l.put(t, "in/a.pdf")
	flags := []string{"--schedule", "@every 1s", "--scan", l.address("in/")}
	first := l.start(t, flags...)
	first.await(t, `"new":1,"known":0(?s:.*)"new":0,"known":1`)
	second := l.start(t, flags...)
	first.await(t, `(?s:("msg":"scheduled run ended".*){3})`)
	if log := second.log.String(); strings.Contains(log, "scheduled run") {
		t.Errorf("both lead:\n%s", log)
	}
	if code, log := first.stop(); code != 0 {
		t.Errorf("exit code %d, want 0:\n%s", code, log)
	}
	second.await(t, `"new":0,"known":1`)
	if code, log := second.stop(); code != 0 {
		t.Errorf("exit code %d, want 0:\n%s", code, log)
	}
}

func TestServe_ScheduleFaults(t *testing.T) {
	t.Parallel()
	l := setup(t)
	args := append([]string{"serve", "--api-tokens", "billing:" + hush}, l.settings()...)
	run(t, append(args, "--schedule", yearly)...).wantFaults(t, 2, "CASFLOW_SCHEDULE (--schedule): has 1 times, and CASFLOW_SCHEDULE_SCAN (--scan) 0 sources")
	run(t, append(args, "--schedule-batch", "night")...).wantFaults(t, 2, "CASFLOW_SCHEDULE_BATCH (--schedule-batch): is of no use without CASFLOW_SCHEDULE")
	run(t, append(args, "--schedule", "nightly", "--scan", "bucket", "--schedule", yearly, "--scan", "s3://b/", "--schedule", yearly, "--scan", "s3://b/")...).wantFaults(t, 2,
		`CASFLOW_SCHEDULE (--schedule): "nightly": not a cron expression`, `CASFLOW_SCHEDULE_SCAN (--scan): "bucket": expected s3://BUCKET/PREFIX`,
		`CASFLOW_SCHEDULE (--schedule): "`+yearly+`" is given twice for s3://b`)
	run(t, append(args, "--schedule", yearly, "--scan", "s3://b/", "--schedule-zone", "India")...).wantFaults(t, 2, `there is no time zone "India"; give it as Asia/Kolkata`)
}

// TestServe_ScheduleKilled: a scan that was cut short by a kill is run again by the
// next server, at once.
func TestServe_ScheduleKilled(t *testing.T) {
	t.Parallel()
	l := setup(t)
	const n = 30
	for i := range n {
		l.put(t, fmt.Sprintf("in/%02d.pdf", i))
	}
	l.missed(t, yearly+" "+l.address("in/"))
	flags := []string{"--schedule", yearly, "--scan", l.address("in/")}
	struck, once := make(chan struct{}), sync.Once{}
	endpoint := between(t, func(_ http.ResponseWriter, r *http.Request) bool {
		if !r.URL.Query().Has("list-type") {
			return false
		}
		once.Do(func() { close(struck) })
		<-r.Context().Done() // nobody gets what is asked for now
		return true
	})
	doomed, _ := program(t, l.serveArgs(append(flags, "--s3-endpoint", endpoint)...)...)
	if err := doomed.Start(); err != nil {
		t.Fatal(err)
	}
	<-struck
	if err := doomed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = doomed.Wait() // killed
	l.wantCount(t, 0)
	// Postgres takes a moment to learn of it; each look is a command.
	for text := ""; !fits(text, l.address("in/")+" +off +no server has it now; its last run, of 20.*, was cut short"); text = l.ask(t, "status").wantDone(t) {
		if t.Context().Err() != nil {
			t.Fatalf("status does not tell of the run:\n%s", text)
		}
	}
	s := l.start(t, flags...)
	s.await(t, `"msg":"bucket scanned",.*"listed":30,"new":30`)
	l.wantCount(t, n)
	if code, log := s.stop(); code != 0 {
		t.Errorf("exit code %d, want 0:\n%s", code, log)
	}
}

// fits is whether a line of a text fits a pattern.
func fits(text, pattern string) bool {
	return regexp.MustCompile("(?m)^.*" + pattern + ".*$").MatchString(text)
}
