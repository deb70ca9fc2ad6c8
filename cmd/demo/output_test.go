package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// output keeps what programs write, also several at once.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(text)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// Reset forgets it.
func (o *output) Reset() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Reset()
}

// lines reads what a program writes while it runs.
type lines struct {
	scanner *bufio.Scanner
	seen    []string
}

func newLines(r io.Reader) *lines { return &lines{scanner: bufio.NewScanner(r)} }

// await reads on to a line that matches, and returns its first group.
func (l *lines) await(t *testing.T, pattern *regexp.Regexp) string {
	t.Helper()
	for l.scanner.Scan() {
		l.seen = append(l.seen, l.scanner.Text())
		if match := pattern.FindStringSubmatch(l.scanner.Text()); match != nil {
			return match[1]
		}
	}
	t.Fatalf("no line matches %s:\n%s", pattern, strings.Join(l.seen, "\n"))
	return ""
}

// rest reads to the end.
func (l *lines) rest() {
	for l.scanner.Scan() {
		l.seen = append(l.seen, l.scanner.Text())
	}
}

// awaitServed asks a server that may not listen yet, and returns its answer.
func awaitServed(t *testing.T, address string) string {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if body, ok := get(t.Context(), address); ok {
			return body
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatalf("%s was never served", address)
		}
	}
}

func get(ctx context.Context, address string) (body string, ok bool) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return "", false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", false
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return string(text), err == nil && response.StatusCode == http.StatusOK
}
