package devstack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// PrometheusConfig says what a Prometheus scrapes and evaluates, each once a second.
type PrometheusConfig struct {
	// Targets are addresses (HOST:PORT) by job.
	Targets map[string]string
	// Rules are the contents of rule files.
	Rules []string
}

// text is the configuration file, for rule files of the given names.
func (c PrometheusConfig) text(rules []string) string {
	var b strings.Builder
	b.WriteString("global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n")
	fmt.Fprintf(&b, "rule_files: [%s]\nscrape_configs:\n", strings.Join(rules, ", "))
	for job, target := range c.Targets {
		fmt.Fprintf(&b, "  - {job_name: %q, static_configs: [{targets: [%q]}]}\n", job, target)
	}
	return b.String()
}

// Prometheus is a running Prometheus.
type Prometheus struct {
	// URL is its base URL, http on a loopback address.
	URL string

	dir    workdir
	server *process
}

// StartPrometheus starts prometheus on a free loopback port. It returns when the
// server answers. The context is for the start alone, which is given up after a minute
// where ctx has no deadline. The error matches ErrNotInstalled if there is no
// prometheus on this machine.
func StartPrometheus(ctx context.Context, config PrometheusConfig) (*Prometheus, error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	program, err := exec.LookPath("prometheus")
	if err != nil {
		return nil, fmt.Errorf("prometheus %w: it is not on PATH; install it: apt-get install prometheus, or brew install prometheus", ErrNotInstalled)
	}
	as, err := unprivileged("prometheus", "nobody")
	if err != nil {
		return nil, fmt.Errorf("start prometheus: %w", err)
	}
	dir, err := newWorkdir(as)
	if err != nil {
		return nil, fmt.Errorf("start prometheus: %w", err)
	}
	p := &Prometheus{dir: dir}
	if err = p.write(config, as); err == nil {
		err = onFreePort(ctx, func(port int) error { return p.launch(ctx, program, as, port) })
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start prometheus: %w", err), dir.remove())
	}
	return p, nil
}

// write puts the configuration and the directory for data where the server's user
// can use them.
func (p *Prometheus) write(config PrometheusConfig, as account) error {
	files, names := map[string]string{}, []string{}
	for n, rules := range config.Rules {
		name := fmt.Sprintf("rules%d.yml", n)
		files[name], names = rules, append(names, name)
	}
	files["prometheus.yml"] = config.text(names)
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(p.dir.path, name), []byte(text), 0o644); err != nil { //nolint:gosec // for the server's user to read
			return fmt.Errorf("write configuration: %w", err)
		}
	}
	data := filepath.Join(p.dir.path, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		return fmt.Errorf("make directory for data: %w", err)
	}
	return as.own(data)
}

func (p *Prometheus) launch(ctx context.Context, program string, as account, port int) error {
	p.URL = "http://" + loopback(port)
	// The context is for the start, the server is to outlive it.
	command := exec.CommandContext(context.WithoutCancel(ctx), program, //nolint:gosec // found on PATH
		"--config.file=prometheus.yml", "--storage.tsdb.path=data", "--web.listen-address="+loopback(port), "--log.level=warn")
	command.Dir, command.Env = p.dir.path, serverEnvironment()
	server, err := startProcess(command, as, syscall.SIGKILL, filepath.Join(p.dir.path, "prometheus.log"))
	if err != nil {
		return err
	}
	if err := server.awaitReady(ctx, p.answers); err != nil {
		return errors.Join(err, server.stop(syscall.SIGKILL))
	}
	p.server = server
	return nil
}

// answers tells whether the server is ready to be asked.
func (p *Prometheus) answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL+"/-/ready", http.NoBody)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// Stop ends the server, waits for its end and removes its directory. Stopping twice is
// no error.
func (p *Prometheus) Stop() error { return errors.Join(p.server.stop(syscall.SIGTERM), p.dir.remove()) }

// Promtool runs promtool, which is part of Prometheus, and returns what it printed.
// The error matches ErrNotInstalled if there is none on this machine.
func Promtool(ctx context.Context, args ...string) (string, error) {
	program, err := exec.LookPath("promtool")
	if err != nil {
		return "", fmt.Errorf("promtool %w: it is not on PATH; install it: apt-get install prometheus, or brew install prometheus", ErrNotInstalled)
	}
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput() //nolint:gosec // found on PATH; for tests
	if err != nil {
		return string(out), fmt.Errorf("promtool %s: %w", strings.Join(args, " "), err)
	}
	return string(out), nil
}
