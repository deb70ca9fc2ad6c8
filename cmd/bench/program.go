package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"
	"time"

	"casflow/cmd/enqueuer/enqueuercli"
	"casflow/cmd/worker/workercli"
	"casflow/internal/devstack"
)

// asProgram makes this program be another one: the servers, or, where no directory
// of the programs is given, worker or enqueuer. profileTo is where its profiles go.
const (
	asProgram = "CASFLOW_BENCH_AS"
	profileTo = "CASFLOW_BENCH_PROFILE"
)

// self is this program as another one.
func self(ctx context.Context, as string, args ...string) (*exec.Cmd, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	// The end of the bench's own context is for the bench to act upon.
	command := exec.CommandContext(context.WithoutCancel(ctx), path, args...) //nolint:gosec // this program
	command.Env = append(environment(), asProgram+"="+as)
	return command, nil
}

// environment is this process' own, without settings of casflow: they are the bench's
// to make.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		return slices.ContainsFunc([]string{"CASFLOW_", "CASPARSER_", "AWS_"}, func(prefix string) bool { return strings.HasPrefix(v, prefix) })
	})
}

// actAs is the other program, and returns its exit code.
func actAs(ctx context.Context, as string, args []string) int {
	code, err := 0, error(nil)
	stop, err := profile(os.Getenv(profileTo))
	if err == nil {
		switch as {
		case "servers":
			err = actAsServers(ctx)
		case "caller":
			err = actAsCaller(ctx, args)
		case "worker":
			code = workercli.Run(ctx, args, os.Stdout, os.Stderr)
		case "enqueuer":
			code = enqueuercli.Run(ctx, args, os.Stdout, os.Stderr)
		}
		err = errors.Join(err, stop())
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return code
}

// profile begins to profile this process, if there is somewhere to write that to.
func profile(to string) (stop func() error, err error) {
	if to == "" {
		return func() error { return nil }, nil
	}
	runtime.MemProfileRate = 64 << 10
	cpu, err := os.Create(to + ".cpu") //nolint:gosec // where the bench says
	if err != nil {
		return nil, fmt.Errorf("write profile: %w", err)
	}
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return nil, fmt.Errorf("write profile: %w", err)
	}
	return func() error {
		pprof.StopCPUProfile()
		memory, err := os.Create(to + ".allocs") //nolint:gosec // where the bench says
		if err != nil {
			return errors.Join(fmt.Errorf("write profile: %w", err), cpu.Close())
		}
		return errors.Join(pprof.Lookup("allocs").WriteTo(memory, 0), memory.Close(), cpu.Close())
	}, nil
}

// running is a program under way, or an error of its start, which wait tells.
type running struct {
	*devstack.Program
	name, log string
	began     time.Time
	err       error
}

// program starts worker or enqueuer with the stand's settings.
func (s *stand) program(ctx context.Context, name string, args ...string) *running {
	r := &running{name: name + " " + args[0], log: s.log(s.row, name)}
	output, err := os.Create(r.log)
	if err != nil {
		r.err = fmt.Errorf("write log: %w", err)
		return r
	}
	defer func() { _ = output.Close() }() // the program has its own
	var command *exec.Cmd
	if s.programs != "" {
		//nolint:gosec // the programs of this project
		command = exec.CommandContext(context.WithoutCancel(ctx), filepath.Join(s.programs, name), args...)
		command.Env = environment()
	} else if command, r.err = self(ctx, name, args...); r.err != nil {
		return r
	}
	if s.profiles != "" {
		command.Env = append(command.Env, profileTo+"="+filepath.Join(s.profiles, fmt.Sprintf("%s-%03d-%s", s.row, s.logs, name)))
	}
	command.Env = append(command.Env, s.env...)
	command.Stdout, command.Stderr = output, output
	r.began = time.Now()
	r.Program, r.err = devstack.StartProgram(command)
	return r
}

// worker starts a worker that takes no thought of a port.
func (s *stand) worker(ctx context.Context, args ...string) *running {
	return s.program(ctx, "worker", append([]string{"run", "--addr", "127.0.0.1:0", "--log-format", "json"}, args...)...)
}

// wait waits for the program's good end.
func (r *running) wait(ctx context.Context) error {
	if r.err != nil {
		return r.err
	}
	if err := r.Wait(ctx); err != nil {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	return nil
}

// terminate ends the program as an operator would.
func (r *running) terminate(ctx context.Context) error {
	if r.err != nil {
		return r.err
	}
	if err := r.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return r.wait(ctx)
}

// during does what a program has to be there for, and gives up at its early end.
func (r *running) during(ctx context.Context, do func(context.Context) error) error {
	if r.err != nil {
		return r.err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-r.Ended():
			cancel()
		case <-ctx.Done():
		}
	}()
	err := do(ctx)
	select {
	case <-r.Ended():
		return r.early()
	default:
	}
	if err != nil {
		err = errors.Join(err, r.terminate(context.WithoutCancel(ctx)))
	}
	return err
}

// early tells of the end of a program that should be at work.
func (r *running) early() error { return fmt.Errorf("%s has ended early", r.name) }

// says waits until the program has logged a message, and returns the address in it.
func (r *running) says(ctx context.Context, message string) (addr string, err error) {
	if r.err != nil {
		return "", r.err
	}
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		text, err := os.ReadFile(r.log)
		if err != nil {
			return "", fmt.Errorf("read log: %w", err)
		}
		for line := range bytes.Lines(text) {
			var told struct {
				Msg  string `json:"msg"`
				Addr string `json:"addr"`
			}
			if json.Unmarshal(line, &told) == nil && told.Msg == message {
				return told.Addr, nil
			}
		}
		select {
		case <-look.C:
		case <-r.Ended():
			return "", r.early()
		case <-ctx.Done():
			return "", ctx.Err() //nolint:wrapcheck // an interruption
		}
	}
}
