package enqueuercli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"casflow/internal/config"
	"casflow/internal/redact"
	"casflow/internal/storage"
	"casflow/internal/storage/objectstore"
)

type deadCommand struct {
	List    deadList    `cmd:"" help:"List dead letters, oldest first."`
	Redrive deadRedrive `cmd:"" help:"Put dead documents back, with a fresh set of attempts."`
}

// deadFilter are the flags that choose dead letters.
type deadFilter struct {
	Reason   string   `help:"Only those that died of this reason."`
	Batch    string   `help:"Only those of this batch."`
	Document []string `placeholder:"ID" help:"Only these documents; repeatable."`
	Limit    int      `help:"At most so many, the oldest; 0 is all."`
}

func (f deadFilter) read() (storage.DeadFilter, error) {
	filter := storage.DeadFilter{Reason: storage.Reason(f.Reason), Batch: f.Batch, Limit: f.Limit}
	var faults []error
	if f.Reason != "" && !slices.Contains(storage.Reasons(), filter.Reason) {
		var known []string
		for _, r := range storage.Reasons() {
			known = append(known, string(r))
		}
		faults = append(faults, fmt.Errorf("--reason is %q; expected one of %s", f.Reason, strings.Join(known, ", ")))
	}
	if f.Limit < 0 {
		faults = append(faults, fmt.Errorf("--limit is %d; expected 0 (all) or more", f.Limit))
	}
	for _, text := range f.Document {
		id, err := uuid.Parse(text)
		if err != nil {
			faults = append(faults, fmt.Errorf("--document is %q; expected the id of a document", redact.PANs(text)))
		}
		filter.Documents = append(filter.Documents, id)
	}
	return filter, config.Usage(errors.Join(faults...))
}

type deadList struct {
	Postgres   config.Postgres `embed:""`
	deadFilter `embed:""`

	JSON     bool `name:"json" help:"Write them as JSON."`
	Unmasked bool `help:"Show object keys with the PANs that they may hold."`
}

func (c *deadList) Run(ctx context.Context, console *console) error {
	filter, err := c.read()
	if err := errors.Join(config.Validate(c.Postgres), err); err != nil {
		return config.Usage(err)
	}
	db, err := openLedger(ctx, c.Postgres)
	if err != nil {
		return err
	}
	defer db.Close()
	letters, err := db.DeadLetters(ctx, filter)
	if err != nil {
		return err //nolint:wrapcheck // storage says it all
	}
	if !c.Unmasked {
		for i := range letters {
			letters[i].Key = redact.PANs(letters[i].Key)
		}
	}
	if c.JSON {
		if letters == nil {
			letters = []storage.DeadDocument{} // an empty list, not null
		}
		return console.json(letters)
	}
	if len(letters) == 0 {
		return console.say("no dead letters\n")
	}
	table := tabwriter.NewWriter(console.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "DEAD AT\tREASON\tSTATUS\tDOCUMENT\tOBJECT\tREQUEST\tMESSAGE") // Flush reports
	for _, l := range letters {
		object := ""
		if l.Bucket != "" {
			object = "s3://" + l.Bucket + "/" + l.Key
		}
		status := ""
		if l.HTTPStatus != 0 {
			status = fmt.Sprint(l.HTTPStatus)
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.DeadAt.UTC().Format(time.RFC3339), l.Reason, status, l.DocumentID,
			object, l.RequestID, l.Message)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

type deadRedrive struct {
	Postgres   config.Postgres  `embed:""`
	Redis      config.Redis     `embed:""`
	S3         config.S3        `embed:""`
	SecretKey  config.SecretKey `embed:""`
	deadFilter `embed:""`

	All          bool     `help:"Redrive whatever is dead; needed when nothing else chooses."`
	PasswordFrom []string `name:"password-from" sep:"none" placeholder:"SOURCE" help:"New passwords: env:VAR, manifest:FILE.csv, metadata:NAME, key:REGEXP; repeatable. Documents for which none is found keep theirs."`
	DryRun       bool     `help:"Say how many documents of which reasons it would be, and do nothing."`
}

func (c *deadRedrive) Run(ctx context.Context, console *console) (err error) {
	filter, err := c.read()
	if err != nil {
		return err
	}
	if !c.All && filter.Reason == "" && filter.Batch == "" && filter.Documents == nil && filter.Limit == 0 {
		return config.Usage(errors.New("nothing chooses what to redrive: give --reason, --batch, --document or --limit, or --all"))
	}
	in := intake{Postgres: c.Postgres, Redis: c.Redis, S3: c.S3, SecretKey: c.SecretKey, PasswordFrom: c.PasswordFrom}
	parts, err := in.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, parts.close()) }()

	counts, err := parts.db.CountDead(ctx, filter)
	if err != nil {
		return err //nolint:wrapcheck // storage says it all
	}
	if c.DryRun {
		total := 0
		for _, reason := range slices.Sorted(maps.Keys(counts)) {
			total += counts[reason]
			if err := console.say("%s: %s\n", reason, plural(counts[reason], "document")); err != nil {
				return err
			}
		}
		return console.say("%s would be redriven, at most as many credits\n", plural(total, "document"))
	}
	if parts.passwords.given() {
		if err := renewPasswords(ctx, parts, filter, c.PasswordFrom); err != nil {
			return err
		}
	}
	redriven, err := parts.db.Redrive(ctx, filter)
	if err != nil {
		return err //nolint:wrapcheck // storage says it all
	}
	if err := console.say("%s put back; running workers take them up\n", plural(len(redriven), "document")); err != nil {
		return err
	}
	return parts.enqueuer.Forget(redriven) //nolint:wrapcheck // jobs says it all
}

// renewPasswords seals new candidates for the dead documents that a source has
// some for.
func renewPasswords(ctx context.Context, parts *connections, filter storage.DeadFilter, sources []string) error {
	letters, err := parts.db.DeadLetters(ctx, filter)
	if err != nil {
		return err //nolint:wrapcheck // storage says it all
	}
	objects := make([]objectstore.Info, 0, len(letters))
	ids := make([]uuid.UUID, 0, len(letters))
	for _, l := range letters {
		if l.Bucket != "" {
			objects = append(objects, objectstore.Info{Ref: objectstore.Ref{Bucket: l.Bucket, Key: l.Key}})
			ids = append(ids, l.DocumentID)
		}
	}
	if needsMetadata(sources) {
		if objects, err = withMetadata(ctx, parts.store, objects); err != nil {
			return err
		}
	}
	sealed := make([][]byte, len(ids))
	for i, object := range objects {
		if sealed[i], err = parts.sealer.Passwords(ids[i], parts.passwords.candidates(object, path.Base(object.Key))); err != nil {
			return fmt.Errorf("seal passwords: %w", err)
		}
	}
	return parts.db.ReplacePasswords(ctx, ids, sealed) //nolint:wrapcheck // storage says it all
}
