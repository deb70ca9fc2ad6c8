package devtest

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"casflow/internal/config"
)

// Help checks that the help of every command of a grammar lists each of its flags with
// its variable and default, and returns how many commands there are, the program
// itself among them.
func Help(t *testing.T, grammar any, run Program) (commands int) {
	t.Helper()
	parser, err := kong.New(grammar, kong.Vars{"version": ""})
	if err != nil {
		t.Fatal(err)
	}
	var visit func(*kong.Node, []string)
	visit = func(node *kong.Node, path []string) {
		commands++
		t.Run(strings.Join(path, " "), func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			if code := run(t.Context(), slices.Concat(path, []string{"--help"}), &stdout, &stderr); code != 0 || stderr.Len() > 0 {
				t.Fatalf("exit code %d, stderr %q, want 0 and none", code, stderr.String())
			}
			help := strings.Join(strings.Fields(stdout.String()), " ") // wherever lines were broken
			for _, flag := range node.Flags {
				wants := []string{"--" + flag.Name}
				for _, variable := range flag.Envs {
					wants = append(wants, "env "+variable)
				}
				if flag.HasDefault && flag.Default != "" {
					wants = append(wants, "default "+flag.Default+").")
				}
				for _, want := range wants {
					if !strings.Contains(help, want) {
						t.Errorf("help does not tell %q of --%s", want, flag.Name)
					}
				}
			}
		})
		for _, child := range node.Children {
			visit(child, slices.Concat(path, []string{child.Name}))
		}
	}
	visit(parser.Model.Node, nil)
	return commands
}

// Version checks that the program tells its version and nothing else.
func Version(t *testing.T, run Program) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"--version"}, &stdout, &stderr); code != 0 || stdout.String() != config.Version()+"\n" || stderr.Len() > 0 {
		t.Errorf("exit code %d, stdout %q, stderr %q, want 0 and %s", code, stdout.String(), stderr.String(), config.Version())
	}
}
