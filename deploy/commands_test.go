package deploy_test

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"
)

// compose is what compose.yaml may hold: keys that are not here are refused.
type compose struct {
	Name     string             `json:"name"`
	Defaults any                `json:"x-casflow"` //nolint:tagliatelle // Compose's own
	Services map[string]service `json:"services"`
	Volumes  map[string]any     `json:"volumes"`
}

type service struct {
	Image       string            `json:"image"`
	Build       any               `json:"build"`
	User        string            `json:"user"`
	Profiles    []string          `json:"profiles"`
	ReadOnly    bool              `json:"read_only"`
	Tmpfs       []string          `json:"tmpfs"`
	CapDrop     []string          `json:"cap_drop"`
	SecurityOpt []string          `json:"security_opt"`
	Environment map[string]string `json:"environment"`
	Entrypoint  []string          `json:"entrypoint"`
	Command     []string          `json:"command"`
	Volumes     []string          `json:"volumes"`
	Ports       []string          `json:"ports"`
	Healthcheck any               `json:"healthcheck"`
	Restart     string            `json:"restart"`
	StopGrace   string            `json:"stop_grace_period"`
	DependsOn   any               `json:"depends_on"`
}

func readCompose(t *testing.T) compose {
	t.Helper()
	var c compose
	if err := yaml.UnmarshalStrict([]byte(read(t, "compose.yaml")), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// commandLines are the commands that are started here, by where.
func commandLines(t *testing.T) map[string][]string {
	t.Helper()
	lines := map[string][]string{}
	for name, s := range readCompose(t).Services {
		if s.Image == "casflow" {
			lines["compose.yaml: "+name] = s.Command
		}
	}
	for file, pod := range podSpecs(t) {
		lines[file] = pod.Containers[0].Command
	}
	for file, text := range files(t) {
		switch {
		case strings.HasPrefix(file, "systemd/"):
			for _, line := range regexp.MustCompile(`(?m)^ExecStart=.*?/usr/local/bin/([^'\n]+)`).FindAllStringSubmatch(text, -1) {
				lines[file] = strings.Fields(regexp.MustCompile(`"\$.*?"`).ReplaceAllString(line[1], "s3://bucket/x")) // what the shell puts in
			}
		case file == "README.md":
			for _, line := range regexp.MustCompile("(?m)(?:^|^bin/|`)((?:worker|enqueuer) [a-z][^#`\n]*)").FindAllStringSubmatch(text, -1) {
				lines[file+": "+line[1]] = strings.Fields(line[1])
			}
		}
	}
	return lines
}

// TestCommands: the programs take every command line that is started here.
func TestCommands(t *testing.T) {
	t.Parallel()
	lines := commandLines(t)
	if len(lines) < 8 {
		t.Fatalf("only %d command lines were found", len(lines))
	}
	for where, line := range lines {
		name := strings.TrimPrefix(line[0], "/")
		if programs()[name] == nil {
			t.Errorf("%s starts %s", where, line[0])
			continue
		}
		if page, ok := help(t, name, line[1:]...); !ok {
			t.Errorf("%s: %v: %s", where, line, page)
		}
	}
}

// TestCommands_Scan: a night that was missed is made up for by the next one, however
// many there were.
func TestCommands_Scan(t *testing.T) {
	t.Parallel()
	for where, line := range commandLines(t) {
		if slices.Contains(line, "--since") {
			t.Errorf("%s leaves out what is old", where)
		}
	}
}

// TestPaths: a worker answers at every port and path by which it is looked at.
func TestPaths(t *testing.T) {
	t.Parallel()
	page, _ := help(t, "worker", "run")
	port := between(page, "env CASFLOW_ADDR, default :", ")")
	worker := podSpecs(t)["kubernetes/worker.yaml"].Containers[0]
	if got := worker.Ports[0]; intstr.FromInt32(got.ContainerPort) != intstr.Parse(port) || worker.LivenessProbe.HTTPGet.Port.StrVal != got.Name || worker.ReadinessProbe.HTTPGet.Port.StrVal != got.Name {
		t.Errorf("port %v, and probes of %v and %v, want %s", got, worker.LivenessProbe.HTTPGet.Port, worker.ReadinessProbe.HTTPGet.Port, port)
	}
	for _, file := range []string{"Dockerfile", "compose.yaml", "prometheus/prometheus.yml", "kubernetes/worker.yaml", "kubernetes/network.yaml"} {
		if !regexp.MustCompile(`\b` + port + `\b`).MatchString(read(t, file)) {
			t.Errorf("%s does not name the worker's port %s", file, port)
		}
	}
	var paths []string
	for _, text := range files(t) {
		for _, match := range regexp.MustCompile(`\bpath: (/[a-z]+)[,}\n]`).FindAllStringSubmatch(text, -1) {
			paths = append(paths, match[1])
		}
	}
	slices.Sort(paths)
	paths = slices.Compact(paths)
	if !slices.Equal(paths, []string{"/healthz", "/metrics", "/readyz"}) {
		t.Errorf("paths %v", paths)
	}
	line := startPipeline(t)
	for _, path := range paths {
		if status := get(t.Context(), t, "http://"+line.metrics+path); status != http.StatusOK {
			t.Errorf("%s answers %d", path, status)
		}
	}
}

func get(ctx context.Context, t *testing.T, address string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// TestCompose: what services refer to is there.
func TestCompose(t *testing.T) {
	t.Parallel()
	c := readCompose(t)
	for _, name := range []string{"postgres", "redis", "s3", "api", "migrate", "scan", "worker", "serve", "prometheus", "grafana"} {
		if c.Services[name].Image == "" {
			t.Errorf("no service %s", name)
		}
	}
	for name, s := range c.Services {
		if _, tag, tagged := strings.Cut(s.Image, ":"); tag == "latest" || !tagged && s.Build == nil && !strings.HasPrefix(s.Image, "casflow") {
			t.Errorf("%s runs any version of %s", name, s.Image)
		}
		for _, volume := range s.Volumes {
			source, _, _ := strings.Cut(volume, ":")
			if _, known := c.Volumes[source]; !known && !strings.HasPrefix(source, "./") {
				t.Errorf("%s mounts %s, which is not there", name, source)
			} else if strings.HasSuffix(source, ".json") {
				read(t, source)
			}
		}
		depends, _ := s.DependsOn.(map[string]any)
		for other := range depends {
			if _, known := c.Services[other]; !known {
				t.Errorf("%s depends on %s, which is not there", name, other)
			}
		}
	}
	redis := strings.Join(c.Services["redis"].Command, " ")
	if !strings.Contains(redis, "--appendonly yes") || !strings.Contains(redis, "--maxmemory-policy noeviction") {
		t.Errorf("redis is started as %q, want it to lose nothing", redis)
	}
}
