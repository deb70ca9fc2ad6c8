package telemetry_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"casflow/internal/telemetry"
)

func TestNewRegistry(t *testing.T) {
	t.Parallel()
	registry := telemetry.NewRegistry("v1.2.3", "0123abcd")
	problems, err := testutil.GatherAndLint(registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
	want := `
# HELP cas_build_info Always 1; the labels say which build runs.
# TYPE cas_build_info gauge
cas_build_info{goversion="` + runtime.Version() + `",revision="0123abcd",version="v1.2.3"} 1
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "cas_build_info"); err != nil {
		t.Error(err)
	}
	if n, err := testutil.GatherAndCount(registry, "go_goroutines", "process_start_time_seconds"); err != nil || n != 2 {
		t.Errorf("metrics of Go and of the process: %d, %v, want 2", n, err)
	}
}
