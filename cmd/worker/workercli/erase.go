package workercli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"casflow/internal/config"
	"casflow/internal/jobs"
	"casflow/internal/redact"
	"casflow/internal/storage"
	"casflow/internal/storage/objectstore"
)

type eraseCommand struct {
	Postgres  config.Postgres  `embed:""`
	Redis     config.Redis     `embed:""`
	S3        config.S3        `embed:""`
	SecretKey config.SecretKey `embed:""`

	PAN     redact.Secret `name:"pan" required:"" placeholder:"PAN" help:"The PAN to erase; - reads it from standard input, so that it shows in no list of processes."`
	Objects bool          `help:"Delete the PDFs from S3 too, all versions of them."`
	By      string        `placeholder:"NAME" help:"Who erases, for the record; by default the user and the machine that this runs as."`
	DryRun  bool          `help:"Say which documents there are, and erase nothing."`
}

var panPattern = regexp.MustCompile(`^[A-Z]{5}[0-9]{4}[A-Z]$`)

// Faults reports, in one error, what makes no sense; nil when all does.
func (c *eraseCommand) Faults() error {
	faults := []error{c.Postgres.Faults(), c.Redis.Faults(), c.SecretKey.Faults()}
	if c.Objects {
		faults = append(faults, c.S3.Faults())
	}
	if c.PAN != "-" && c.PAN != "" {
		_, err := readPAN(c.PAN.Reveal())
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// readPAN gives a PAN in its one form. The error does not repeat what was given.
func readPAN(text string) (string, error) {
	pan := strings.ToUpper(strings.TrimSpace(text))
	if !panPattern.MatchString(pan) {
		return "", errors.New("--pan: is no PAN; expected five letters, four digits and a letter")
	}
	return pan, nil
}

// pan is the PAN that is given, or read from standard input.
func (c *eraseCommand) pan() (string, error) {
	if c.PAN != "-" {
		return readPAN(c.PAN.Reveal())
	}
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil && line == "" {
		return "", fmt.Errorf("--pan: standard input cannot be read: %w", err)
	}
	return readPAN(line)
}

func (c *eraseCommand) Run(ctx context.Context, console *console) (err error) {
	if err := config.Validate(c); err != nil {
		return err
	}
	pan, err := c.pan()
	if err != nil {
		return config.Usage(err)
	}
	sealer, err := newSealer(c.SecretKey)
	if err != nil {
		return err
	}
	db, err := openLedger(ctx, c.Postgres)
	if err != nil {
		return err
	}
	defer db.Close()
	traces, err := db.Traces(ctx, pan, sealer)
	if err != nil {
		return err
	}
	if c.DryRun {
		return c.list(console, traces)
	}
	client, err := jobs.OpenRedis(ctx, c.Redis.URL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()

	// The database comes last: what fails before it is found again by the next try.
	objects := 0
	if c.Objects {
		if objects, err = c.remove(ctx, traces); err != nil {
			return err
		}
	}
	if err := jobs.NewEnqueuer(db, client, 0).Erase(ctx, pan, traces); err != nil {
		return err
	}
	by := c.By
	if by == "" {
		by = config.Operator()
	}
	done, err := db.Erase(ctx, pan, traces, by, objects)
	if err != nil {
		return err
	}
	return say(console.out, "erased: %d documents, %d rows of statements, %d objects; the PAN was masked in %d rows of others\n",
		done.Documents, done.Rows, objects, done.Masked)
}

// remove deletes the documents' objects.
func (c *eraseCommand) remove(ctx context.Context, traces []storage.Trace) (int, error) {
	store, err := objectstore.Open(ctx, objectstore.Config{Endpoint: c.S3.Endpoint, ForcePathStyle: c.S3.ForcePathStyle})
	if err != nil {
		return 0, err
	}
	removed := 0
	for _, t := range traces {
		n, err := store.Remove(ctx, t.Bucket, t.Key)
		removed += n
		if err != nil {
			return removed, err
		}
	}
	return removed, nil
}

func (c *eraseCommand) list(console *console, traces []storage.Trace) error {
	for _, t := range traces {
		if err := say(console.out, "%s  %s  s3://%s/%s\n", t.DocumentID, t.Status, t.Bucket, redact.PANs(t.Key)); err != nil {
			return err
		}
	}
	return say(console.out, "%d documents would be erased, and what is known of the PAN besides\n", len(traces))
}
