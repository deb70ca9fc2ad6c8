package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"casflow/cmd/enqueuer/enqueuercli"
	"casflow/cmd/worker/workercli"
	"casflow/internal/casapi/sandbox"
	"casflow/internal/config"
	"casflow/internal/devstack"
	"casflow/internal/samples"
	"casflow/internal/storage"
)

type runCommand struct {
	Investors int           `default:"40" help:"Number of investors."`
	Months    int           `default:"5" help:"Statements per investor."`
	Seed      uint64        `default:"1" help:"The same seed gives the same statements."`
	Rate      int           `default:"1200" help:"Calls of the stand-in API per minute, for the workers and the API itself."`
	Latency   time.Duration `default:"300ms" help:"How long the stand-in API takes for a statement."`
	Keep      bool          `help:"Leave everything running until interrupted, and say how to connect."`
}

func (c *runCommand) Faults() error {
	var faults []error
	for _, n := range []struct {
		flag  string
		value int
	}{{"investors", c.Investors}, {"months", c.Months}, {"rate", c.Rate}} {
		if n.value < 1 {
			faults = append(faults, fmt.Errorf("--%s: is %d; expected at least 1", n.flag, n.value))
		}
	}
	return errors.Join(faults...)
}

func (c *runCommand) Run(ctx context.Context, console *console) (err error) {
	if err := config.Validate(c); err != nil {
		return err
	}
	console.heading("Parts")
	s, err := startStack(ctx, console.item, sandbox.Config{
		Key: demoKey, Credits: 1_000_000, RatePerMinute: c.Rate, Latency: c.Latency,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	up, err := s.upload(ctx, samples.Options{Investors: c.Investors, Months: c.Months, Seed: c.Seed})
	if err != nil {
		return err
	}
	console.item("Uploaded        %s", up)

	if err := console.program(ctx, "worker", workercli.Run, console.err, "migrate", "up"); err != nil {
		return err
	}
	if err := console.program(ctx, "enqueuer", enqueuercli.Run, console.err,
		"scan", "s3://"+demoBucket+"/"+prefix, "--batch", "demo", "--password-from", "manifest:"+s.manifest()); err != nil {
		return err
	}
	db, err := storage.Open(ctx, s.setting("DATABASE_URL"), 2)
	if err != nil {
		return fmt.Errorf("open ledger: %w", err)
	}
	defer db.Close()
	addr, err := devstack.FreeAddr(ctx)
	if err != nil {
		return err
	}
	took, err := c.drain(ctx, console, s, db, addr)
	if err != nil {
		return err
	}
	if err := report(ctx, console, db, s, up, took); err != nil {
		return err
	}
	if !c.Keep {
		console.item("Metrics         were at http://%s/metrics while the worker ran; make demo ARGS=--keep keeps it running", addr)
		return nil
	}
	return keep(ctx, console, s, addr)
}

// drain runs the worker until nothing is left to do, showing how far it is.
func (c *runCommand) drain(ctx context.Context, console *console, s *stack, db *storage.DB, addr string) (took time.Duration, err error) {
	log, err := os.Create(s.log())
	if err != nil {
		return 0, fmt.Errorf("write the worker's log: %w", err)
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	watching, stop := context.WithCancel(ctx)
	began, watched := time.Now(), make(chan struct{})
	console.command("worker", "run", "--drain")
	go func() {
		defer close(watched)
		watch(watching, console.err, db)
	}()
	code := workercli.Run(ctx, []string{"run", "--drain", "--addr", addr, "--log-format", "json"}, console.out, log)
	took = time.Since(began)
	stop()
	<-watched
	switch code {
	case config.ExitDone:
		return took, nil
	case config.ExitInterrupted:
		return 0, context.Canceled
	}
	return 0, errors.Join(fmt.Errorf("worker run --drain ended with exit code %d; its log ends:\n%s", code, tail(s.log())))
}

// keep leaves everything running, with a worker that waits for more.
func keep(ctx context.Context, console *console, s *stack, addr string) error {
	log, err := os.OpenFile(s.log(), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write the worker's log: %w", err)
	}
	console.heading("Everything runs on, until Ctrl-C. To connect, from another terminal")
	for _, v := range s.env {
		console.item("export %s='%s'", v.Name, v.Value)
	}
	console.item("psql \"$DATABASE_URL\" -c 'SELECT pan, period_to, total_value FROM cas.statements ORDER BY 1, 2'")
	console.item("curl -s http://%s/metrics | grep ^cas_", addr)
	console.item("go run ./cmd/enqueuer status")
	console.item("the worker's log: %s", s.log())
	code := workercli.Run(ctx, []string{"run", "--addr", addr, "--log-format", "json"}, console.out, log)
	if err := log.Close(); err != nil {
		return fmt.Errorf("write the worker's log: %w", err)
	}
	if code != config.ExitDone {
		return fmt.Errorf("worker run ended with exit code %d; its log ends:\n%s", code, tail(s.log()))
	}
	return nil
}

// program runs one of casflow's programs in this process, as a shell would.
func (c *console) program(ctx context.Context, name string, run func(context.Context, []string, io.Writer, io.Writer) int, stderr io.Writer, args ...string) error {
	c.command(append([]string{name}, args...)...)
	switch code := run(ctx, args, c.out, stderr); code {
	case config.ExitDone:
		return nil
	case config.ExitInterrupted:
		return context.Canceled
	default:
		return fmt.Errorf("%s %s ended with exit code %d", name, args[0], code)
	}
}
