package devstack

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestStartPrometheus(t *testing.T) {
	t.Parallel()
	scraped := make(chan struct{}, 1)
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "cas_leader 1\n")
		select {
		case scraped <- struct{}{}:
		default:
		}
	}))
	t.Cleanup(target.Close)
	server, err := StartPrometheus(t.Context(), PrometheusConfig{
		Targets: map[string]string{"worker": strings.TrimPrefix(target.URL, "http://")},
		Rules:   []string{"groups: [{name: a, rules: [{record: 'a:b', expr: cas_leader}]}]\n"},
	})
	if err != nil {
		t.Fatal(err)
	}
	<-scraped
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
	client := http.Client{Timeout: time.Second}
	if response, err := client.Get(server.URL + "/-/ready"); err == nil {
		_ = response.Body.Close()
		t.Error("the server answers after its end")
	}
	if err := server.Stop(); err != nil {
		t.Errorf("stopping twice: %v", err)
	}
}

func TestStartPrometheus_BadRules(t *testing.T) {
	t.Parallel()
	_, err := StartPrometheus(t.Context(), PrometheusConfig{Rules: []string{"groups: [{name: a, rules: [{record: 'a:b', expr: 'sum('}]}]\n"}})
	if err == nil || !strings.Contains(err.Error(), "could not parse expression") {
		t.Errorf("error %v, want one that quotes the log", err)
	}
}

func TestPromtool(t *testing.T) {
	t.Parallel()
	if out, err := Promtool(t.Context(), "--version"); err != nil || !strings.Contains(out, "promtool") {
		t.Errorf("Promtool() = %q, %v", out, err)
	}
	if out, err := Promtool(t.Context(), "check", "rules", "no-such-file"); err == nil || !strings.Contains(out, "no-such-file") {
		t.Errorf("Promtool() = %q, %v, want its complaint", out, err)
	}
}
