// Command demo shows casflow at work on local parts: a throw-away Postgres,
// Redis and S3, a stand-in for the API, and made-up statements. It needs no
// account and no network.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"casflow/internal/config"
)

type cli struct {
	Run     runCommand       `cmd:"" default:"withargs" help:"The whole pipeline, from PDFs in S3 to rows in Postgres (the default)."`
	API     apiCommand       `cmd:"" name:"api" help:"The stand-in API alone."`
	Samples samplesCommand   `cmd:"" help:"Write sample statements and their manifest."`
	Version kong.VersionFlag `help:"Print the version."`
}

func main() { os.Exit(start()) }

func start() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	return run(ctx, os.Args[1:], os.Stdout, os.Stderr)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c cli
	command, err := config.Parse("demo", "casflow on local parts, with made-up statements.", &c, args, stdout)
	if err == nil {
		command.BindTo(ctx, (*context.Context)(nil))
		err = command.Run(&console{out: stdout, err: stderr})
	}
	return config.Report(stderr, "demo", err)
}
