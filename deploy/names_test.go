package deploy_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"casflow/cmd/enqueuer/enqueuercli"
	"casflow/cmd/worker/workercli"
	"casflow/internal/config"
	"casflow/internal/devtest"
)

// files are the texts of all files here but for the tests, by name.
func files(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && filepath.Ext(path) != ".go" {
			texts[path] = read(t, path)
		}
		return err
	})
	if err != nil || len(texts) < 20 {
		t.Fatalf("%d files, %v", len(texts), err)
	}
	return texts
}

func programs() map[string]devtest.Program {
	return map[string]devtest.Program{"worker": workercli.Run, "enqueuer": enqueuercli.Run}
}

// help is what a program says with --help behind args; ok is false where it does not
// know a command or a flag among them.
func help(t *testing.T, name string, args ...string) (text string, ok bool) {
	t.Helper()
	var out bytes.Buffer
	code := programs()[name](t.Context(), append(slices.Clone(args), "--help"), &out, &out)
	return strings.Join(strings.Fields(out.String()), " "), code == 0
}

// variables are those that some command takes.
func variables(t *testing.T) map[string]bool {
	t.Helper()
	known := map[string]bool{}
	for _, describe := range []func() ([]config.Command, error){workercli.Commands, enqueuercli.Commands} {
		commands, err := describe()
		if err != nil {
			t.Fatal(err)
		}
		for _, command := range commands {
			for _, flag := range command.Flags {
				for _, name := range flag.Variables {
					known[name] = true
				}
			}
		}
	}
	return known
}

// TestVariables: every setting that is named here is one of the programs.
func TestVariables(t *testing.T) {
	t.Parallel()
	known := variables(t)
	if len(known) < 25 {
		t.Fatalf("the programs have %d variables: %v", len(known), known)
	}
	named := regexp.MustCompile(`\b(?:CASFLOW|CASPARSER|S3|DATABASE_URL|REDIS_URL)(?:_[A-Z0-9_]+)?\b`)
	for file, text := range files(t) {
		for _, name := range named.FindAllString(text, -1) {
			if name != "S3" && !known[name] {
				t.Errorf("%s names %s, which no program takes", file, name)
			}
		}
	}
}

// TestMetrics: every metric that is named here is one of the programs, or recorded by
// a rule.
func TestMetrics(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, dir := range []string{"../internal", "../cmd"} {
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, match := range regexp.MustCompile(`"(cas_[a-z_]+)"`).FindAllStringSubmatch(string(text), -1) {
				known[match[1]] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, rule := range regexp.MustCompile(`(?m)- record: (\S+)$`).FindAllStringSubmatch(read(t, "prometheus/recording.yml"), -1) {
		known[rule[1]] = true
	}
	texts := files(t)
	delete(texts, "compose.yaml") // has casflow: as a user's name
	for _, file := range []string{"../README.md", "../doc/operations.md", "../doc/security.md"} {
		texts[file] = strings.ReplaceAll(read(t, file), "cas_type", "") // a column
	}
	for file, text := range texts {
		for _, name := range regexp.MustCompile(`\b(?:cas_[a-z_]+|casflow:[a-z_]+(?::\w+)?)\b`).FindAllString(text, -1) {
			if !known[name] && !known[strings.TrimSuffix(name, "_bucket")] {
				t.Errorf("%s names %s, which no program shows", file, name)
			}
		}
	}
}
