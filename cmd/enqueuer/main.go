// Command enqueuer records the PDFs of S3 in the ledger, and shows and mends what
// became of them.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"casflow/cmd/enqueuer/enqueuercli"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	return enqueuercli.Run(ctx, os.Args[1:], os.Stdout, os.Stderr)
}
