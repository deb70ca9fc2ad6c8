package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"casflow/cmd/enqueuer/enqueuercli"
	"casflow/cmd/worker/workercli"
	"casflow/internal/config"
)

// TestREADME holds the README's settings and commands against the programs.
func TestREADME(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	operations, err := os.ReadFile("../../doc/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	readme, all := string(text), string(text)+string(operations)

	type program func(context.Context, []string, io.Writer, io.Writer) int
	help := func(run program, args ...string) string {
		var out bytes.Buffer
		if code := run(t.Context(), append(args, "--help"), &out, &out); code != config.ExitDone {
			t.Fatalf("%v --help: exit code %d\n%s", args, code, out.String())
		}
		return strings.Join(strings.Fields(out.String()), " ")
	}
	pages := map[string]string{
		"worker run": help(workercli.Run, "run"), "worker migrate": help(workercli.Run, "migrate", "up"),
		"worker doctor": help(workercli.Run, "doctor"),
		"worker resume": help(workercli.Run, "resume"), "worker reconcile": help(workercli.Run, "reconcile"),
		"enqueuer serve": help(enqueuercli.Run, "serve"),
		"enqueuer scan":  help(enqueuercli.Run, "scan"), "enqueuer submit": help(enqueuercli.Run, "submit"),
		"enqueuer status": help(enqueuercli.Run, "status"), "enqueuer dead list": help(enqueuercli.Run, "dead", "list"),
		"enqueuer dead redrive": help(enqueuercli.Run, "dead", "redrive"), "enqueuer dead show": help(enqueuercli.Run, "dead", "show"),
		"enqueuer dead discard": help(enqueuercli.Run, "dead", "discard"), "enqueuer batch report": help(enqueuercli.Run, "batch", "report"),
		"enqueuer account credits": help(enqueuercli.Run, "account", "credits"), "enqueuer account usage": help(enqueuercli.Run, "account", "usage"),
		"enqueuer account summary": help(enqueuercli.Run, "account", "summary"), "enqueuer account token": help(enqueuercli.Run, "account", "token"),
		"enqueuer account verify": help(enqueuercli.Run, "account", "verify"),
		"enqueuer upload":         help(enqueuercli.Run, "upload"), "enqueuer generate": help(enqueuercli.Run, "generate"),
		"enqueuer inbox connect": help(enqueuercli.Run, "inbox", "connect"), "enqueuer inbox status": help(enqueuercli.Run, "inbox", "status"),
		"enqueuer inbox import": help(enqueuercli.Run, "inbox", "import"), "enqueuer inbox disconnect": help(enqueuercli.Run, "inbox", "disconnect"),
		"enqueuer cdsl fetch": help(enqueuercli.Run, "cdsl", "fetch"), "enqueuer cdsl verify": help(enqueuercli.Run, "cdsl", "verify"),
	}
	for name, page := range pages {
		for _, match := range regexp.MustCompile(`env ([A-Z0-9_]+)`).FindAllStringSubmatch(page, -1) {
			if !strings.Contains(readme, "`"+match[1]+"`") {
				t.Errorf("%s has the variable %s, of which the README does not know", name, match[1])
			}
		}
	}
	commands := regexp.MustCompile(`(?m)(?:^|bin/|\x60)((?:worker|enqueuer) [a-z].*)$`).FindAllStringSubmatch(all, -1)
	checked := 0
	for _, match := range commands {
		line, _, _ := strings.Cut(match[1], "`")
		line, _, _ = strings.Cut(line, " #")
		for name, page := range pages {
			if !strings.HasPrefix(line, name) {
				continue
			}
			checked++
			for _, flag := range regexp.MustCompile(`--[a-z-]+`).FindAllString(line, -1) {
				if !strings.Contains(page, flag) {
					t.Errorf("%q: %s has no flag %s", line, name, flag)
				}
			}
		}
	}
	if checked < 10 {
		t.Errorf("only %d commands were found in the documents", checked)
	}
}
