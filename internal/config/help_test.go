package config

import (
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
)

// collapse makes one line of help, however it was wrapped.
func collapse(text string) string { return strings.Join(strings.Fields(text), " ") }

func TestParse_HelpListsEveryFlag(t *testing.T) {
	t.Parallel()
	// Whatever the environment holds, help is given.
	_, _, help, err := parseTest("run --help", map[string]string{"CASFLOW_WINDOW": "abc"})
	if !errors.Is(err, ErrHelp) {
		t.Fatalf("err = %v, want ErrHelp", err)
	}
	flags := 0
	var visit func(reflect.Type)
	visit = func(group reflect.Type) {
		for field := range group.Fields() {
			if _, embedded := field.Tag.Lookup("embed"); embedded {
				visit(field.Type)
				continue
			}
			flags++
			want := "("
			if variable := field.Tag.Get("env"); variable != "" {
				want += "env " + variable
			}
			if variable := field.Tag.Get("file-env"); variable != "" {
				want += ", file of env " + variable
			}
			if value := field.Tag.Get("default"); value != "" {
				want += ", default " + value
			}
			if want += ")."; want == "()." {
				want = field.Tag.Get("help")
			}
			if name := field.Tag.Get("name"); !strings.Contains(collapse(help), want) || !strings.Contains(help, "--"+name) {
				t.Errorf("help of --%s does not say %q", name, want)
			}
		}
	}
	visit(reflect.TypeFor[testRun]())
	if flags != 28 {
		t.Errorf("looked at %d flags, want 28", flags)
	}
	for _, want := range []string{"(env CASFLOW_ADDR, default :9091).", "env CASFLOW_DATABASE_CONNECTIONS"} {
		if !strings.Contains(help, want) {
			t.Errorf("help breaks a line within %q", want)
		}
	}
	if strings.Contains(help, glue) {
		t.Error("help holds the mark of glued words")
	}
}

func TestParse_Version(t *testing.T) {
	t.Parallel()
	_, _, out, err := parseTest("--version", nil)
	if !errors.Is(err, ErrHelp) || out != Version()+"\n" {
		t.Errorf("Parse printed %q, %v, want %q", out, err, Version()+"\n")
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestParse_HelpCannotBeWritten(t *testing.T) {
	t.Parallel()
	var cli testCLI
	_, err := parse("prog", "", &cli, []string{"--help"}, brokenWriter{}, environment(nil))
	if !errors.Is(err, io.ErrClosedPipe) || ExitCode(err) != ExitFailed {
		t.Errorf("err = %v, want that of the writer", err)
	}
}
