package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(start())
	}
	// With the race detector, each of the programs would sleep for a second at its end.
	if err := os.Setenv("GORACE", os.Getenv("GORACE")+" atexit_sleep_ms=0"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// measured is a figure as the results' file has it; its members may be missing.
type measured struct {
	Name   *string  `json:"name"`
	Value  *float64 `json:"value"`
	Unit   *string  `json:"unit"`
	Floor  *float64 `json:"floor"`
	Ratio  *float64 `json:"ratio"`
	Target *float64 `json:"target"`
	OK     *bool    `json:"ok"`
}

// TestRun measures every row at the tiniest size: whether the bench works and what it
// writes is as agreed, never how fast anything is.
func TestRun(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "made", "results.json")
	var stdout, stderr bytes.Buffer
	o, err := parse([]string{"-out", out}, &stderr)
	if err != nil {
		t.Fatal(err)
	}
	o.sizes = sizes{scale: 0.0001, least: 2, workers: 2}
	if err := o.measure(t.Context(), &stdout, &stderr); err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	t.Logf("%s", &stderr)
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var results []measured
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&results); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	var got []string
	for _, r := range results {
		if r.Name == nil || r.Value == nil || r.Unit == nil || r.OK == nil {
			t.Fatalf("a member is missing in\n%s", text)
		}
		floor := ""
		if r.Floor != nil {
			floor = ", with a floor"
		}
		got = append(got, *r.Name+": "+*r.Unit+floor)
		if !r.sound() {
			t.Errorf("%s: no sound figures in\n%s", *r.Name, text)
		}
		if !strings.Contains(stdout.String(), *r.Name) {
			t.Errorf("the table has no %s", *r.Name)
		}
	}
	if diff := cmp.Diff(figures(), got); diff != "" {
		t.Errorf("figures (-want +got):\n%s", diff)
	}
}

// sound tells whether figures are what they can be: above 0, but for those of which
// nothing may be seen at this size, and in step with each other.
func (r measured) sound() bool {
	for _, n := range []*float64{r.Value, r.Floor} {
		if n == nil {
			continue
		}
		// Clocks of the kernel tick each 10 ms, memory is given back at any time, and
		// calls may have ended before their end was waited for.
		unseen := strings.HasSuffix(*r.Name, "of Postgres") || *r.Unit == "KB per call" || n == r.Floor && strings.HasPrefix(*r.Name, "stop")
		if refused := strings.HasSuffix(*r.Name, "violations"); !unseen && !refused && *n <= 0 {
			return false
		}
	}
	return r.Ratio == nil || r.Floor != nil && math.Abs(*r.Ratio**r.Floor-*r.Value) <= 0.001*math.Abs(*r.Value)
}

// figures are all that is measured, in order.
func figures() []string {
	return []string{
		"pipeline: documents/s, with a floor",
		"pipeline, to a straightforward client: documents/s, with a floor",
		"pipeline, to one with a transaction each: documents/s, with a floor",
		"pipeline, CPU: s per 1,000, with a floor",
		"pipeline, CPU of Postgres: s per 1,000, with a floor",
		"pipeline, peak memory: MB",
		"replay: rows/s, with a floor",
		"replay, CPU: s per 1,000,000",
		"replay, CPU with Postgres: s per 1,000,000, with a floor",
		"replay, peak memory: MB",
		"replay, all rows replaced: rows/s, with a floor",
		"replay, all rows replaced, CPU: s per 1,000,000",
		"replay, all rows replaced, CPU with Postgres: s per 1,000,000, with a floor",
		"replay, all rows replaced, peak memory: MB",
		"scan: objects/s, with a floor",
		"scan, CPU: s per 100,000",
		"scan, peak memory at 10 to 2: MB, with a floor",
		"in flight, by upload: KB per call, with a floor",
		"in flight, by upload, at its peak: KB per call, with a floor",
		"in flight, by upload, peak memory: MB, with a floor",
		"in flight, by link: KB per call, with a floor",
		"in flight, by link, at its peak: KB per call, with a floor",
		"in flight, by link, peak memory: MB, with a floor",
		"rate, 600 a minute: calls/minute, with a floor",
		"rate, 600 a minute, violations: calls",
		"rate, 6000 a minute: calls/minute, with a floor",
		"rate, 6000 a minute, violations: calls",
		"rate, an interactive document behind 2: s, with a floor",
		"batch: documents/s, with a floor",
		"batch, CPU: s per 100,000",
		"batch, peak memory: MB",
		"start, to the first call: ms, with a floor",
		"stop, with 2 calls under way: ms, with a floor",
	}
}

// TestLab_Measure_Failed: a row that fails tells what its programs have logged.
func TestLab_Measure_Failed(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	l := &lab{dir: t.TempDir(), stderr: &stderr}
	broken := errors.New("broken")
	_, err := l.measure(t.Context(), row{name: "odd", stands: true, measure: func(_ context.Context, s *stand) ([]result, error) {
		for _, text := range []string{"", "cannot start\n", "nor for ZZZPA0001Z\n"} {
			if err := os.WriteFile(s.log(s.row, "worker"), []byte(text), 0o600); err != nil {
				return nil, err
			}
		}
		return nil, broken
	}})
	want := "== odd-002-worker.log ends:\ncannot start\n\n== odd-003-worker.log ends:\nnor for ZZ*******Z\n\n"
	if _, told, _ := strings.Cut(stderr.String(), "\n"); !errors.Is(err, broken) || told != want {
		t.Errorf("error %v and\n%s\nwant\n%s", err, told, want)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		want string // in the error; "" none
	}{
		{nil, ""},
		{[]string{"-run", "scan|rate", "--scale=0.5", "-programs", "bin"}, ""},
		{[]string{"-run", "("}, "-run"},
		{[]string{"-scale", "0"}, "-scale"},
		{[]string{"-scale", "11"}, "-scale"},
		{[]string{"-scale", "NaN"}, "-scale"},
		{[]string{"scan"}, `"scan"`},
		{[]string{"-fast"}, "-fast"},
	} {
		_, err := parse(c.args, io.Discard)
		if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, errUsage) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%q: got error %v, want one with %q", c.args, err, c.want)
		}
	}
}

func TestResult(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		got  result
		ok   bool
		want string // in its line
	}{
		"No target":      {figure("x", 3, "s"), true, "3 s"},
		"Ratio":          {figure("x", 80, "a/s").over(100).atLeast(0.8), true, ">= 0.8     ok"},
		"Ratio missed":   {figure("x", 79, "a/s").over(100).atLeast(0.8), false, ">= 0.8     MISSED"},
		"At most":        {figure("x", 119.5, "KB").below(120), true, "<= 120     ok"},
		"At most missed": {figure("x", 5, "calls").below(0), false, "MISSED"},
		"Floor of zero":  {figure("x", 5, "s").over(0), true, "5 s"},
	} {
		var line bytes.Buffer
		table{&line}.add(c.got)
		if squeezed := strings.Join(strings.Fields(line.String()), " "); c.got.OK != c.ok || !strings.Contains(squeezed, strings.Join(strings.Fields(c.want), " ")) {
			t.Errorf("%s: got %t and %q, want %t and %q", name, c.got.OK, squeezed, c.ok, c.want)
		}
	}
}
