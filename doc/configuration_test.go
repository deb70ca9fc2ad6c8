// Package doc_test keeps what is generated in this folder up to date, and runs the SQL
// that the pages show.
package doc_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/cmd/enqueuer/enqueuercli"
	"casflow/cmd/worker/workercli"
	"casflow/internal/config"
)

var update = flag.Bool("update", false, "write configuration.md anew")

// TestConfiguration: configuration.md is what the programs' flags say of themselves.
//
//	go test ./doc -update
func TestConfiguration(t *testing.T) {
	t.Parallel()
	var commands []config.Command
	for _, describe := range []func() ([]config.Command, error){workercli.Commands, enqueuercli.Commands} {
		more, err := describe()
		if err != nil {
			t.Fatal(err)
		}
		commands = append(commands, more...)
	}
	want := page(commands)
	if *update {
		if err := os.WriteFile("configuration.md", []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("doc/configuration.md is not up to date, run go test ./doc -update (-want +got):\n%s", diff)
	}
}

func page(commands []config.Command) string {
	var b strings.Builder
	b.WriteString(`# Configuration

Generated from the programs' flags: ` + "`go test ./doc -update`" + ` writes it anew.

A flag goes before its variable, the variable before the default. A variable that is empty counts as unset. Variables
whose name ends in ` + "`_FILE`" + ` name a file that holds the value, which keeps secrets out of the environment. Whatever is wrong is
reported at once, before anything is connected to.

## Variables

| variable | flag | default | meaning | of |
|---|---|---|---|---|
`)
	for _, s := range settings(commands) {
		fmt.Fprintf(&b, "| %s | `--%s` | %s | %s | %s |\n", code(s.Variables...), s.Name, code(s.Default), escape(s.Help), s.users())
	}
	b.WriteString("\nThe AWS SDK reads its own: `AWS_REGION`, `AWS_PROFILE`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`,\n" +
		"`AWS_WEB_IDENTITY_TOKEN_FILE`, `AWS_SHARED_CREDENTIALS_FILE`, `AWS_CA_BUNDLE` and more. `TMPDIR` is where PDFs are kept on\n" +
		"their way.\n\n## Commands\n")
	for _, c := range commands {
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\n```\n%s\n```\n", c.Path, escape(c.Help), c.Usage)
		own := slices.DeleteFunc(slices.Clone(c.Flags), func(f config.Flag) bool { return len(f.Variables) > 0 })
		if len(own) == 0 {
			continue
		}
		b.WriteString("\n| flag | default | meaning |\n|---|---|---|\n")
		for _, f := range own {
			fmt.Fprintf(&b, "| `--%s` | %s | %s |\n", f.Name, code(f.Default), escape(f.Help))
		}
	}
	return b.String()
}

// setting is a flag with variables, and the commands that have it.
type setting struct {
	config.Flag
	of []string
}

// users are the commands that have it or, where those are many, their programs.
func (s setting) users() string {
	users := s.of
	if len(users) > 4 {
		users = nil
		for _, command := range s.of {
			if program, _, _ := strings.Cut(command, " "); !slices.Contains(users, program) {
				users = append(users, program)
			}
		}
	}
	return code(users...)
}

// settings are the flags with variables, those of the same flag, default and meaning
// together.
func settings(commands []config.Command) []setting {
	var all []setting
	for _, c := range commands {
		for _, f := range c.Flags {
			if len(f.Variables) == 0 {
				continue
			}
			at := slices.IndexFunc(all, func(s setting) bool { return s.Name == f.Name && s.Default == f.Default && s.Help == f.Help })
			if at < 0 {
				all, at = append(all, setting{Flag: f}), len(all)
			}
			all[at].of = append(all[at].of, c.Path)
		}
	}
	return all
}

// code shows words as code, nothing where there are none.
func code(words ...string) string {
	var shown []string
	for _, word := range words {
		if word != "" {
			shown = append(shown, "`"+word+"`")
		}
	}
	return strings.Join(shown, ", ")
}

// escape keeps text within its cell.
func escape(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
