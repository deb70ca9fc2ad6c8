package deploy_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"casflow/internal/devstack"
)

// panel is what the tests look at of a panel.
type panel struct {
	Title       string `json:"title"`
	Type        string `json:"type"`
	Description string `json:"description"`
	Targets     []struct {
		Expr string `json:"expr"`
	} `json:"targets"`
}

func panels(t *testing.T) []panel {
	t.Helper()
	var dashboard struct {
		UID    string  `json:"uid"`
		Panels []panel `json:"panels"`
	}
	if err := json.Unmarshal([]byte(read(t, "grafana/casflow.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	if dashboard.UID == "" || len(dashboard.Panels) < 20 {
		t.Fatalf("uid %q, %d panels", dashboard.UID, len(dashboard.Panels))
	}
	return dashboard.Panels
}

// queries are the queries of all panels, with what Grafana puts in.
func queries(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, p := range panels(t) {
		if p.Type == "row" {
			continue
		}
		if p.Description == "" || len(p.Targets) == 0 {
			t.Errorf("panel %q has no description, or no query", p.Title)
		}
		for n, target := range p.Targets {
			all[fmt.Sprintf("%s/%d", p.Title, n)] = strings.ReplaceAll(target.Expr, "$__rate_interval", "5m")
		}
	}
	return all
}

// TestDashboard: after some work of a real worker and a real HTTP API, a real Prometheus
// that scrapes them has data for every query of the dashboard, and every recording rule.
func TestDashboard(t *testing.T) {
	t.Parallel()
	left := queries(t)
	for _, rule := range regexp.MustCompile(`(?m)- record: (\S+)$`).FindAllStringSubmatch(read(t, "prometheus/recording.yml"), -1) {
		left[rule[1]] = rule[1]
	}
	// With a cap, or the rule about it would have nothing to tell.
	line := startPipeline(t, append(callbacks(), "--daily-credits", "100000", "--callback-secret", "whsec_"+base64.StdEncoding.EncodeToString(make([]byte, 32)))...)
	api := line.serve()
	prometheus, err := devstack.StartPrometheus(t.Context(), devstack.PrometheusConfig{
		Targets: map[string]string{"casflow-worker": line.metrics, "casflow-serve": api.address},
		Rules:   []string{read(t, "prometheus/recording.yml"), read(t, "prometheus/alerts.yml")},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := prometheus.Stop(); err != nil {
			t.Error(err)
		}
	})
	// A rate takes two looks at a counter, between which it grows, so there is work
	// again and again. Gauges are asked for at most every 15 seconds.
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for wave := 0; len(left) > 0; wave++ {
		line.work(wave)
		api.work(wave)
		for name, query := range left {
			if ask(ctx, t, prometheus.URL, query) {
				delete(left, name)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			for _, name := range slices.Sorted(maps.Keys(left)) {
				t.Errorf("no data for %s: %s", name, left[name])
			}
			return
		}
	}
}

// ask tells whether Prometheus has a number for a query now.
func ask(ctx context.Context, t *testing.T, server, query string) bool {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server+"/api/v1/query?"+url.Values{"query": {query}}.Encode(), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false // the time is over, which the caller sees
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Status string `json:"status"`
		Error  string `json:"error"`
		Data   struct {
			Result []struct {
				Value [2]any `json:"value"`
			} `json:"result"`
		} `json:"data"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return false
	}
	if answer.Status != "success" {
		t.Fatalf("%s: %s", query, answer.Error)
	}
	for _, sample := range answer.Data.Result {
		if sample.Value[1] != "NaN" {
			return true
		}
	}
	return false
}
