// Command worker parses the documents of the ledger: it dispatches, calls the
// CAS Parser API, and writes statements. It also migrates the database.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"casflow/cmd/worker/workercli"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	return workercli.Run(ctx, os.Args[1:], os.Stdout, os.Stderr)
}
