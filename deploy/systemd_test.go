package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"casflow/internal/devstack"
)

// TestSystemd has systemd itself judge the units: whether it understands them, and how
// much of the machine they are exposed to.
func TestSystemd(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("systemd is for Linux alone")
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Fatal("systemd-analyze is not on PATH: run .ci/deps systemd, or install systemd by hand")
	}
	dir := t.TempDir()
	var units []string
	for file, text := range files(t) {
		if !strings.HasPrefix(file, "systemd/") {
			continue
		}
		unit := filepath.Join(dir, filepath.Base(file))
		// systemd wants to see the program, which is not installed here.
		text = regexp.MustCompile(`/usr/local/bin/\w+`).ReplaceAllString(text, "/bin/true")
		if err := os.WriteFile(unit, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		units = append(units, unit)
	}
	if len(units) != 4 {
		t.Fatalf("%d units", len(units))
	}
	if out, err := exec.CommandContext(t.Context(), analyze, append([]string{"verify", "--man=no"}, units...)...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	for _, unit := range units {
		if filepath.Ext(unit) != ".service" {
			continue
		}
		out, err := exec.CommandContext(t.Context(), analyze, "security", "--offline=true", "--threshold=15", unit).CombinedOutput()
		if err != nil {
			t.Errorf("%s is exposed to too much: %v\n%s", filepath.Base(unit), err, out)
		}
	}
}

// TestPrometheus_Config has promtool check what compose.yaml starts Prometheus with.
func TestPrometheus_Config(t *testing.T) {
	t.Parallel()
	if out, err := devstack.Promtool(t.Context(), "check", "config", "prometheus/prometheus.yml"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
