// Package workercli is the worker program: its commands, callable from main, from
// the demo and from tests.
package workercli

import (
	"context"
	"io"

	"github.com/alecthomas/kong"

	"casflow/internal/config"
)

type cli struct {
	Run       runCommand       `cmd:"" default:"withargs" help:"Dispatch and parse pending documents until stopped (the default)."`
	Migrate   migrateCommand   `cmd:"" help:"Migrate the database's schema."`
	Resume    resumeCommand    `cmd:"" help:"Open a paused account, whatever a probe would find, and put back the documents that died of it."`
	Reconcile reconcileCommand `cmd:"" help:"Settle attempts of unknown outcome against the API's usage log."`
	Replay    replayCommand    `cmd:"" help:"Turn stored answers into rows again, without a call of the API."`
	Erase     eraseCommand     `cmd:"" help:"Remove every trace of a PAN: statements, answers, documents, tasks, and its mention in what is others'."`
	Doctor    doctorCommand    `cmd:"" help:"Check the settings and all that a worker needs: Postgres, Redis, S3, the API."`
	Version   kong.VersionFlag `help:"Print the version."`
}

// console is where a command writes: results to out, all else to err.
type console struct{ out, err io.Writer }

// Commands describes the program's commands, for its documentation.
func Commands() ([]config.Command, error) { return config.Commands("worker", new(cli)) }

// Run runs the program and returns its exit code (see config). When ctx ends, it
// takes no new work, finishes and saves the calls under way, and returns.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c cli
	command, err := config.Parse("worker", "Parses the CAS PDFs of the ledger into Postgres through the CAS Parser API.", &c, args, stdout)
	if err == nil {
		command.BindTo(ctx, (*context.Context)(nil))
		err = command.Run(&console{out: stdout, err: stderr})
	}
	return config.Report(stderr, "worker", err)
}
