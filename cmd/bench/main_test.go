package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(start())
	}
	os.Exit(m.Run())
}

// TestRun measures every row at a tiny size: that the bench works and what it writes
// is as agreed, not how fast anything is.
func TestRun(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "made", "results.json")
	var stdout, stderr bytes.Buffer
	if err := run(t.Context(), []string{"-scale", "0.002", "-out", out}, &stdout, &stderr); err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	t.Logf("%s", &stderr)
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var results []struct {
		Name   *string  `json:"name"`
		Value  *float64 `json:"value"`
		Unit   *string  `json:"unit"`
		Floor  *float64 `json:"floor"`
		Ratio  *float64 `json:"ratio"`
		Target *float64 `json:"target"`
		OK     *bool    `json:"ok"`
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&results); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	seen := map[string]int{}
	for _, r := range results {
		if r.Name == nil || r.Value == nil || r.Unit == nil || r.OK == nil {
			t.Fatalf("a member is missing in\n%s", text)
		}
		seen[*r.Name]++
		if r.Ratio != nil && (r.Floor == nil || math.Abs(*r.Ratio**r.Floor-*r.Value) > 0.001*math.Abs(*r.Value)) {
			t.Errorf("%s: ratio, floor and value do not fit in\n%s", *r.Name, text)
		}
		if !strings.Contains(stdout.String(), *r.Name) {
			t.Errorf("the table has no %s", *r.Name)
		}
	}
	for _, name := range []string{"pipeline", "pipeline, to a straightforward client", "replay", "replay, all rows replaced", "scan", "in flight, by upload", "in flight, by link", "rate, 600 a minute", "batch", "start, to the first call"} {
		if seen[name] != 1 {
			t.Errorf("%d results are named %s, want one", seen[name], name)
		}
	}
	for _, r := range results {
		if strings.HasSuffix(*r.Name, "violations") && !*r.OK {
			t.Errorf("%s: %g", *r.Name, *r.Value)
		}
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
