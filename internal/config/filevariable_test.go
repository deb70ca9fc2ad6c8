package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A URL with a password can be given in a file; the flag and the variable itself go
// before it.
func TestParse_FileVariable(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(file, []byte("redis://:geheim@file/1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		line      string
		variables map[string]string
		want      string
	}{
		"File":      {"run", map[string]string{"REDIS_URL_FILE": file}, "redis://:geheim@file/1"},
		"BlankFile": {"run", map[string]string{"REDIS_URL_FILE": " "}, "redis://127.0.0.1:6379/0"},
		"Variable":  {"run", map[string]string{"REDIS_URL_FILE": file, "REDIS_URL": "redis://variable"}, "redis://variable"},
		"Flag":      {"run --redis-url redis://flag", map[string]string{"REDIS_URL_FILE": "missing"}, "redis://flag"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, _, _, err := parseTest(test.line, test.variables)
			if err != nil || got.Run.Redis.URL.Reveal() != test.want {
				t.Errorf("URL %q, %v, want %q", got.Run.Redis.URL.Reveal(), err, test.want)
			}
		})
	}
	_, _, _, err := parseTest("run --concurrency=x", map[string]string{"DATABASE_URL_FILE": file + ".missing"})
	if err == nil || !strings.Contains(err.Error(), "DATABASE_URL_FILE: is ") || !strings.Contains(err.Error(), "CASFLOW_CONCURRENCY") {
		t.Errorf("error %v, want one that names the missing file, and the other fault too", err)
	}
}
