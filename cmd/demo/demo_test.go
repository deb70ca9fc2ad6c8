package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/config"
	"casflow/internal/samples"
)

// demo is the demo as a process of its own.
func demo(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	return program(t, "demo", args...)
}

func program(tb testing.TB, name string, args ...string) *exec.Cmd {
	tb.Helper()
	file, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	command := exec.CommandContext(tb.Context(), file, args...)
	command.Env = append(os.Environ(), asProgram+"="+name)
	return command
}

func TestDemo_Run(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	command := demo(t, "run", "--investors", "6", "--months", "3", "--rate", "60000", "--latency", "1ms")
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, stdout.String(), stderr.String())
	}
	for _, want := range []string{
		`Uploaded +18 statements, .* \(1 with a wrong password, 1 that the API fails on at first\)`,
		`18 recorded`, `parsed +17 +documents`, `wrong_password +1`, `throughput +\d`, `API calls +19 +17 of them billed`,
		`2025-04-01 to 2025-04-30  CDSL`, `2025-06-01 to 2025-06-30  CDSL`, `cas\.statements +17`, `cas\.transactions +\d`,
		`http://127\.0\.0\.1:\d+/metrics`,
	} {
		if !regexp.MustCompile(want).MatchString(stdout.String()) {
			t.Errorf("output does not match %s", want)
		}
	}
	if !strings.Contains(stderr.String(), "18 of 18 documents finished") {
		t.Errorf("no progress on stderr: %s", stderr.String())
	}
	hidden := make(secrets)
	hidden.add("API key", demoKey)
	if found := hidden.in(stdout.String() + stderr.String()); len(found) > 0 {
		t.Errorf("the output holds secrets: %q", found)
	}
	if t.Failed() {
		t.Log(stdout.String())
	}
}

func TestDemo_Keep(t *testing.T) {
	t.Parallel()
	command := demo(t, "--keep", "--investors", "1", "--months", "1", "--rate", "60000", "--latency", "1ms")
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	command.Stderr = &stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	output := newLines(out)
	metrics := output.await(t, regexp.MustCompile(`curl -s (http://\S+/metrics)`))
	output.await(t, regexp.MustCompile(`(the worker's log)`))
	awaitServed(t, metrics)
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	output.rest()
	if err := command.Wait(); err != nil {
		t.Errorf("ended with %v\n%s", err, stderr.String())
	}
}

func TestDemo_Usage(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		code int
		says string
	}{
		"Help":       {[]string{"--help"}, config.ExitDone, "samples"},
		"None":       {[]string{"run", "--investors", "0", "--months=-1"}, config.ExitUsage, "--investors"},
		"NoSamples":  {[]string{"samples", "--investors", "0", "x"}, config.ExitUsage, "--investors"},
		"BadAddress": {[]string{"api", "--addr", "nowhere:x"}, config.ExitFailed, "nowhere:x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if code := run(t.Context(), test.args, &out, &out); code != test.code || !strings.Contains(out.String(), test.says) {
				t.Errorf("exit code %d, want %d with %q:\n%s", code, test.code, test.says, out.String())
			}
		})
	}
}

func TestDemo_SamplesAndAPI(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "samples")
	var out bytes.Buffer
	if code := run(t.Context(), []string{"samples", dir, "--investors", "3", "--months", "1", "--contract-notes"}, &out, &out); code != config.ExitDone {
		t.Fatalf("exit code %d: %s", code, out.String())
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.pdf"))
	if err != nil || len(files) != 6 {
		t.Errorf("%d files, %v, want 6", len(files), err)
	}
	manifest, err := os.ReadFile(filepath.Join(dir, "manifest.csv"))
	if err != nil || strings.Count(string(manifest), "\n") != 7 || !strings.HasPrefix(string(manifest), "key,password\n") {
		t.Errorf("manifest %v:\n%s", err, manifest)
	}

	ctx, stop := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"api", "--addr", "127.0.0.1:0", "--key", "k", "--sandbox-rate", "0"}, writer, writer)
	}()
	output := newLines(reader)
	url := output.await(t, regexp.MustCompile(`stand-in API on (http://\S+);`))
	response, err := http.Post(url+"/v1/credits", "application/json", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusUnauthorized {
		t.Errorf("status without a key: %d, want 401", response.StatusCode)
	}
	stop()
	if code := <-ended; code != config.ExitDone {
		t.Errorf("exit code %d, want 0", code)
	}
}

// TestWorker_Serves looks at a running worker as Prometheus and Kubernetes do.
func TestWorker_Serves(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sandbox.Config{Credits: -1})
	p.putSamples(samples.Options{Investors: 2, Seed: 31})
	p.scan("in/")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan int, 1)
	go func() { ended <- p.worker(ctx) }()
	p.await("both statements", func() bool {
		return p.value(`SELECT count(*) FROM cas.documents WHERE status = 'parsed'`) == "2"
	})
	addr := p.awaitAddress("metrics")
	metrics := awaitServed(t, "http://"+addr+"/metrics")
	_, _ = p.stdout.Write([]byte(metrics)) // which must tell of nobody either
	for _, want := range []string{
		`cas_documents_processed_total{kind="smart",outcome="parsed"} 2`, `cas_api_requests_total{code="200",endpoint="/v4/smart/parse"} 2`,
		`cas_credits_spent_total 2`, `cas_dead_letters_total{reason="unauthorized"} 0`, `cas_rows_written_total{table="statements"} 2`,
		`cas_api_request_duration_seconds_count{endpoint="/v4/smart/parse"} 2`, `cas_stage_duration_seconds_count{stage="save"} 2`,
		`cas_limiter_wait_seconds_count 2`, `cas_api_inflight 0`, `cas_answers_reused_total 0`, `cas_build_info{`,
		`cas_documents{status="dead"} 0`, `cas_attempts_unknown 0`, `cas_oldest_pending_seconds{queue="bulk"} 0`,
		`cas_queue_tasks{queue="interactive",state="pending"} 0`, `cas_backend_up{backend="redis"} 1`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	for path, want := range map[string]string{"/healthz": `{"process":"ok"}`, "/readyz": `{"postgres":"ok","redis":"ok"}`} {
		if got := strings.TrimSpace(awaitServed(t, "http://"+addr+path)); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	stop()
	if code := <-ended; code != config.ExitDone {
		t.Errorf("exit code %d, want 0", code)
	}
}
