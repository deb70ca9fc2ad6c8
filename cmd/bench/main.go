// Command bench measures casflow against the bare limits of the machine it runs on,
// in the same run, so that the figures mean something on any machine. It starts what
// it needs: Postgres, with fsync, and redis-server, and in a process of its own an
// S3 server and the stand-in API; worker and enqueuer run as the processes they are.
//
//	make bench ARGS='-run pipeline -scale 0.2'
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
)

// options are what is to be measured.
type options struct {
	run *regexp.Regexp // names of the rows
	sizes
	million  bool
	out      string
	programs string // directory; "" this program is them all
	profiles string // directory; "" no profiles
}

// sizes are how much a run measures. All but scale are the same in each whose figures
// are to mean something.
type sizes struct {
	scale   float64 // of the full sizes
	least   int     // what is left of any of them
	workers int     // on one key
	rounds  int     // of rows that are measured several times, at most
	fsync   bool    // of Postgres
}

func main() { os.Exit(start()) }

func start() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	if as := os.Getenv(asProgram); as != "" {
		return actAs(ctx, as, os.Args[1:])
	}
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case ctx.Err() != nil:
		return 130
	}
	_, _ = fmt.Fprintln(os.Stderr, "bench:", err)
	if errors.Is(err, errUsage) {
		return 2
	}
	return 1
}

var errUsage = errors.New("see bench -help")

func parse(args []string, stderr io.Writer) (options, error) {
	o := options{sizes: sizes{scale: 1, least: 10, workers: 3, rounds: 3, fsync: true}}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	pattern := flags.String("run", "", "measure the rows whose name matches this `regexp`: "+strings.Join(names(), ", "))
	flags.Float64Var(&o.scale, "scale", 1, "sizes, as a part of the full ones")
	flags.BoolVar(&o.million, "million", false, "scan 1,000,000 objects too")
	flags.StringVar(&o.out, "out", "bench/results.json", "`file` to write the results to")
	flags.StringVar(&o.programs, "programs", "", "`directory` of worker and enqueuer; without it this program is both")
	flags.StringVar(&o.profiles, "profiles", "", "`directory` to write profiles of worker and enqueuer to, by row; this program is both then")
	if err := flags.Parse(args); err != nil {
		return o, errors.Join(errUsage, err)
	}
	var err error
	switch o.run, err = regexp.Compile(*pattern); {
	case err != nil:
		return o, fmt.Errorf("-run: %w; %w", err, errUsage)
	case flags.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q; %w", flags.Arg(0), errUsage)
	case !(o.scale > 0 && o.scale <= 10): // NaN is neither
		return o, fmt.Errorf("-scale: is %g; expected more than 0 and 10 at most; %w", o.scale, errUsage)
	}
	if o.profiles != "" {
		o.programs = "" // only this one writes profiles
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	return o.measure(ctx, stdout, stderr)
}

// measure measures all rows asked for, shows each as it is done, and writes them all.
func (o options) measure(ctx context.Context, stdout, stderr io.Writer) (err error) {
	l, err := openLab(ctx, o, stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	table := newTable(stdout)
	var results []result
	for _, row := range rows() {
		if !o.run.MatchString(row.name) {
			continue
		}
		measured, err := o.median(row, func() ([]result, error) { return l.measure(ctx, row) })
		if err != nil {
			return fmt.Errorf("%s: %w", row.name, err)
		}
		for _, r := range measured {
			table.add(r)
		}
		results = append(results, measured...)
	}
	if len(results) == 0 {
		return fmt.Errorf("-run: no row matches; there are %s; %w", strings.Join(names(), ", "), errUsage)
	}
	if err := os.MkdirAll(filepath.Dir(o.out), 0o750); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return write(o.out, results)
}

// median measures a row in its rounds, and returns what the one came to whose first ratio
// is in the middle: what is measured and its floor come one after the other, and a
// machine that is shared is not the same in both.
func (o options) median(row row, measure func() ([]result, error)) ([]result, error) {
	rounds := make([][]result, max(1, min(row.rounds, o.rounds)))
	for i := range rounds {
		var err error
		if rounds[i], err = measure(); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(rounds, func(a, b []result) int { return cmp.Compare(a[0].judged(), b[0].judged()) })
	return rounds[len(rounds)/2], nil
}

// row is something to be measured.
type row struct {
	name    string
	rounds  int  // in which it is measured; 0 is one
	stands  bool // it opens those that it needs
	measure func(context.Context, *stand) ([]result, error)
}

func rows() []row {
	return []row{
		{"pipeline", 3, false, pipeline},
		{"replay", 0, false, replay},
		{"scan", 0, false, scan},
		{"in_flight", 0, true, inFlight},
		{"rate", 0, true, rate},
		{"batch", 0, false, batch},
		{"start", 0, false, startStop},
	}
}

func names() []string {
	var all []string
	for _, row := range rows() {
		all = append(all, row.name)
	}
	return all
}
