package enqueuercli

import (
	"context"
	"errors"
	"fmt"
	"maps"
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

// filter reads the flags. Its error is all that makes no sense about them.
func (f deadFilter) filter() (storage.DeadFilter, error) {
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
	return filter, errors.Join(faults...)
}

type deadList struct {
	Postgres   config.Postgres `embed:""`
	deadFilter `embed:""`

	JSON     bool `name:"json" help:"Write them as JSON."`
	Unmasked bool `help:"Show object keys with the PANs that they may hold."`
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (c *deadList) Faults() error {
	_, err := c.filter()
	return errors.Join(c.Postgres.Faults(), err)
}

func (c *deadList) Run(ctx context.Context, console *console) error {
	if err := config.Validate(c); err != nil {
		return err
	}
	filter, err := c.filter()
	if err != nil {
		return err
	}
	db, err := openLedger(ctx, c.Postgres)
	if err != nil {
		return err
	}
	defer db.Close()
	letters, err := db.DeadLetters(ctx, filter)
	if err != nil {
		return err
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

// chosen is filter, where a flag chooses at all.
func (c *deadRedrive) chosen() (storage.DeadFilter, error) {
	filter, err := c.filter()
	if !c.All && c.Reason == "" && c.Batch == "" && len(c.Document) == 0 && c.Limit == 0 {
		err = errors.New("nothing chooses what to redrive: give --reason, --batch, --document or --limit, or --all")
	}
	return filter, err
}

// intake is what redriving has in common with recording: connections and
// passwords.
func (c *deadRedrive) intake() *intake {
	return &intake{Postgres: c.Postgres, Redis: c.Redis, S3: c.S3, SecretKey: c.SecretKey, PasswordFrom: c.PasswordFrom}
}

// Faults reports, in one error, what makes no sense; nil when all does. It is
// asked where another flag cannot be read, which may be the one that chooses.
func (c *deadRedrive) Faults() error {
	_, err := c.filter()
	_, _, settings := c.intake().read()
	return errors.Join(err, settings)
}

func (c *deadRedrive) Run(ctx context.Context, console *console) (err error) {
	filter, err := c.chosen()
	parts, err := c.intake().connect(ctx, err)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, parts.close()) }()

	if c.DryRun {
		return c.preview(ctx, console, parts.db, filter)
	}
	note := ""
	if len(c.PasswordFrom) > 0 {
		// From here on the very documents that got new passwords, so that Limit
		// does not choose others.
		renewed := 0
		if filter.Documents, renewed, err = renewPasswords(ctx, parts, filter); err != nil {
			return err
		}
		note = fmt.Sprintf(", %d of them with new passwords", renewed)
	}
	redriven, err := parts.db.Redrive(ctx, filter)
	if err != nil {
		return err
	}
	if err := console.say("%s put back%s; running workers take them up\n", plural(len(redriven), "document"), note); err != nil {
		return err
	}
	return parts.enqueuer.Forget(redriven)
}

// preview tells what a redrive would do.
func (c *deadRedrive) preview(ctx context.Context, console *console, db *storage.DB, filter storage.DeadFilter) error {
	counts, err := db.CountDead(ctx, filter)
	if err != nil {
		return err
	}
	total := 0
	for _, reason := range slices.Sorted(maps.Keys(counts)) {
		total += counts[reason]
		if err := console.say("%s: %s\n", reason, plural(counts[reason], "document")); err != nil {
			return err
		}
	}
	return console.say("%s would be redriven, at most as many credits\n", plural(total, "document"))
}

// renewPasswords seals new candidates for the dead documents that a source has
// some for. It returns the documents that filter chooses, and how many of them
// have new candidates.
func renewPasswords(ctx context.Context, parts *connections, filter storage.DeadFilter) (chosen []uuid.UUID, renewed int, err error) {
	limit := filter.Limit
	filter.Limit = 0 // counts bad tasks too, which have no document to bring back
	letters, err := parts.db.DeadLetters(ctx, filter)
	if err != nil {
		return nil, 0, err
	}
	letters = slices.DeleteFunc(letters, func(l storage.DeadDocument) bool { return l.Bucket == "" })
	if limit > 0 && len(letters) > limit {
		letters = letters[:limit]
	}
	chosen = make([]uuid.UUID, len(letters)) // empty chooses none, nil would choose all
	objects := make([]objectstore.Info, len(letters))
	for n, l := range letters {
		chosen[n] = l.DocumentID
		objects[n].Ref = objectstore.Ref{Bucket: l.Bucket, Key: l.Key}
	}
	sealed, err := parts.sealPasswords(ctx, chosen, objects)
	if err != nil {
		return nil, 0, err
	}
	for _, s := range sealed {
		if s != nil {
			renewed++
		}
	}
	return chosen, renewed, parts.db.ReplacePasswords(ctx, chosen, sealed)
}
