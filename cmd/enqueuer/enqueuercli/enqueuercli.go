// Package enqueuercli is the enqueuer program: its commands, callable from main,
// from the demo and from tests.
package enqueuercli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"casflow/internal/config"
	"casflow/internal/redact"
)

type cli struct {
	Scan     scanCommand      `cmd:"" help:"Record the PDFs under a prefix of a bucket; those that are known stay as they are."`
	Submit   submitCommand    `cmd:"" help:"Record single PDFs that are in S3, and queue them at once."`
	Upload   uploadCommand    `cmd:"" help:"Put PDFs of this machine into S3, record them, and queue them at once."`
	Serve    serveCommand     `cmd:"" help:"Serve the HTTP API: other services submit PDFs, upload them, and ask what became of them."`
	Status   statusCommand    `cmd:"" help:"Show how the documents stand."`
	Batch    batchCommand     `cmd:"" help:"Report what became of a batch, and what it cost."`
	Dead     deadCommand      `cmd:"" help:"List, show, redrive and discard dead letters."`
	Inbox    inboxCommand     `cmd:"" help:"Connect mailboxes, and import the statements in them."`
	CDSL     cdslCommand      `cmd:"" name:"cdsl" help:"Fetch statements from CDSL for an OTP."`
	Generate generateCommand  `cmd:"" help:"Have KFintech mail an investor a statement: 0.5 credits each time; it is never asked for again by itself."`
	Account  accountCommand   `cmd:"" help:"Ask the API about credits and usage, and for access tokens."`
	Version  kong.VersionFlag `help:"Print the version."`
}

// console is where a command writes: results to out, all else to err. Secrets that no
// variable has are read from in.
type console struct {
	in       io.Reader
	out, err io.Writer
}

// Commands describes the program's commands, for its documentation.
func Commands() ([]config.Command, error) { return config.Commands("enqueuer", new(cli)) }

// Run runs the program and returns its exit code (see config). What was recorded
// when ctx ends stays recorded.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c cli
	command, err := config.Parse("enqueuer", "Records CAS PDFs for parsing, and shows and mends what became of them.", &c, args, stdout)
	if err == nil {
		command.BindTo(ctx, (*context.Context)(nil))
		err = command.Run(&console{in: os.Stdin, out: stdout, err: stderr})
	}
	return config.Report(stderr, "enqueuer", err)
}

func (c *console) say(format string, args ...any) error {
	if _, err := fmt.Fprintf(c.out, format, args...); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// note says something that is not a result, on one line.
func (c *console) note(format string, args ...any) error {
	text := strings.ReplaceAll(redact.PANs(fmt.Sprintf(format, args...)), "\n", "; ")
	if _, err := fmt.Fprintf(c.err, "enqueuer: %s\n", text); err != nil {
		return fmt.Errorf("write note: %w", err)
	}
	return nil
}

func (c *console) json(v any) error {
	encoder := json.NewEncoder(c.out)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}
