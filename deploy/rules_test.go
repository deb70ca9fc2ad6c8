package deploy_test

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/devstack"
)

var update = flag.Bool("update", false, "write kubernetes/monitoring/rules.yaml anew")

// TestRules_Operator: the Prometheus operator is given the same rules.
//
//	go test ./deploy -run Rules_Operator -update
func TestRules_Operator(t *testing.T) {
	t.Parallel()
	const name = "kubernetes/monitoring/rules.yaml"
	var want strings.Builder
	want.WriteString(`# For the Prometheus operator: the rules of deploy/prometheus, from which this is written
# (go test ./deploy -run Rules_Operator -update). Give it the labels that your Prometheus
# selects by.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: casflow
spec:
  groups:
`)
	for _, file := range []string{"prometheus/recording.yml", "prometheus/alerts.yml"} {
		_, groups, _ := strings.Cut(read(t, file), "\ngroups:\n")
		for line := range strings.Lines(groups) {
			if strings.TrimSpace(line) != "" {
				line = "  " + line
			}
			want.WriteString(line)
		}
	}
	if *update {
		if err := os.WriteFile(name, []byte(want.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want.String(), read(t, name)); diff != "" {
		t.Errorf("%s is not up to date, run go test ./deploy -run Rules_Operator -update (-want +got):\n%s", name, diff)
	}
}

// TestRules has promtool check the rules and run their own tests.
func TestRules(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"check", "rules", "prometheus/recording.yml", "prometheus/alerts.yml"},
		{"test", "rules", "prometheus/alerts_test.yml"},
	} {
		if out, err := devstack.Promtool(t.Context(), args...); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

// TestRules_Runbooks: each alert is tested, and has a runbook that is there.
func TestRules_Runbooks(t *testing.T) {
	t.Parallel()
	headings := map[string]bool{}
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(read(t, "../doc/operations.md"), -1) {
		headings[anchor(heading[1])] = true
	}
	rules, tests := read(t, "prometheus/alerts.yml"), read(t, "prometheus/alerts_test.yml")
	alerts := regexp.MustCompile(`(?m)^ +- alert: (\w+)$`).FindAllStringSubmatch(rules, -1)
	links := regexp.MustCompile(`(?m)^ +runbook_url: (.+)$`).FindAllStringSubmatch(rules, -1)
	if len(alerts) != len(links) || len(alerts) < 13 {
		t.Fatalf("%d alerts and %d runbooks", len(alerts), len(links))
	}
	for n, alert := range alerts {
		fragment := anchor(alert[1])
		if want := "doc/operations.md#" + fragment; links[n][1] != want {
			t.Errorf("%s has the runbook %s, want %s", alert[1], links[n][1], want)
		}
		if !headings[fragment] {
			t.Errorf("doc/operations.md has no heading for %s", alert[1])
		}
		if !strings.Contains(tests, "alertname: "+alert[1]+"\n        exp_alerts:\n") {
			t.Errorf("no test has %s fire", alert[1])
		}
	}
}

// anchor is the fragment by which GitHub links to a heading.
func anchor(heading string) string {
	kept := regexp.MustCompile(`[^\p{L}\p{N}\- ]`).ReplaceAllString(strings.ToLower(heading), "")
	return strings.ReplaceAll(kept, " ", "-")
}
