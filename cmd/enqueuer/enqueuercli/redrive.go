package enqueuercli

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"casflow/internal/config"
	"casflow/internal/record"
	"casflow/internal/storage"
	"casflow/internal/storage/objectstore"
)

type deadRedrive struct {
	Postgres   config.Postgres  `embed:""`
	Redis      config.Redis     `embed:""`
	S3         config.S3        `embed:""`
	SecretKey  config.SecretKey `embed:""`
	deadChoice `embed:""`

	PasswordFrom []string `name:"password-from" sep:"none" placeholder:"SOURCE" help:"New passwords: env:VAR, manifest:FILE.csv, metadata:NAME, key:REGEXP; repeatable. Documents for which none is found keep theirs."`
	Rate         int      `help:"Put back at most so many documents a minute, evenly; 0 is all at once."`
	DryRun       bool     `help:"Say how many documents of which reasons it would be, how many credits, and for how many --password-from finds a new password, and do nothing."`
}

// intake is what redriving has in common with recording: connections and
// passwords.
func (c *deadRedrive) intake() *intake {
	return &intake{Postgres: c.Postgres, Redis: c.Redis, S3: c.S3, SecretKey: c.SecretKey, PasswordFrom: c.PasswordFrom}
}

func (c *deadRedrive) checkRate() error {
	if c.Rate < 0 {
		return fmt.Errorf("--rate is %d; expected 0 (all at once) or more", c.Rate)
	}
	return nil
}

// Faults reports, in one error, what makes no sense; nil when all does. It is
// asked where another flag cannot be read, which may be the one that chooses.
func (c *deadRedrive) Faults() error {
	_, err := c.filter()
	_, _, settings := c.intake().read()
	return errors.Join(err, c.checkRate(), settings)
}

func (c *deadRedrive) Run(ctx context.Context, console *console) (err error) {
	filter, err := c.chosen()
	if len(filter.Documents) > 0 {
		filter.Letters = storage.LettersAll // who names a document means it, even if it was discarded
	}
	parts, err := c.intake().connect(ctx, errors.Join(err, c.checkRate()))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, parts.close()) }()

	if c.DryRun {
		return c.preview(ctx, console, parts, filter)
	}
	note := ""
	if len(c.PasswordFrom) > 0 || c.Rate > 0 {
		// From here on it is these very documents, whatever dies or ages meanwhile.
		documents, err := parts.db.Redrivable(ctx, filter)
		if err != nil {
			return err
		}
		filter = storage.DeadFilter{Documents: idsOf(documents), Letters: filter.Letters}
		if len(c.PasswordFrom) > 0 {
			sealed, renewed, err := newPasswords(ctx, parts, documents)
			if err != nil {
				return err
			}
			if err := parts.db.ReplacePasswords(ctx, filter.Documents, sealed); err != nil {
				return err
			}
			note = fmt.Sprintf(", %d of them with new passwords", renewed)
		}
	}
	done, err := c.putBack(ctx, console, parts, filter)
	if err != nil {
		return err
	}
	return console.say("%s put back%s; running workers take them up\n", plural(done, "document"), note)
}

// preview tells what a redrive would do.
func (c *deadRedrive) preview(ctx context.Context, console *console, parts *connections, filter storage.DeadFilter) error {
	counts, err := parts.db.CountRedrivable(ctx, filter)
	if err != nil {
		return err
	}
	total, answered, credits := 0, 0, 0
	for _, count := range counts {
		total += count.N
		answered += count.Answered
		credits += count.Credits
		if err := console.say("%s: %s%s\n", count.Reason, plural(count.N, "document"), ofThemAnswered(count.Answered)); err != nil {
			return err
		}
	}
	note := ""
	if len(c.PasswordFrom) > 0 {
		documents, err := parts.db.Redrivable(ctx, filter)
		if err != nil {
			return err
		}
		_, found, err := newPasswords(ctx, parts, documents)
		if err != nil {
			return err
		}
		note = passwordsFound(found, len(documents))
	}
	return console.say("%s would be redriven%s, for at most %s%s\n",
		plural(total, "document"), ofThemAnswered(answered), plural(credits, "credit"), note)
}

// passwordsFound says for how many of the documents there are new passwords, and that the
// others are put back all the same.
func passwordsFound(found, all int) string {
	switch {
	case all == 0:
		return ""
	case found == 0:
		return "; a new password is found for none of them: all keep what they have"
	case found == all:
		return "; a new password is found for all of them"
	}
	return fmt.Sprintf("; a new password is found for %d of them, none for %d: they keep what they have", found, all-found)
}

// ofThemAnswered counts apart what costs nothing.
func ofThemAnswered(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d of them at no cost: the answer is kept)", n)
}

// putBack redrives what filter chooses, all at once or at the rate that was asked
// for, which takes a filter by documents. It returns how many that were; where
// they are not all, the error says so.
func (c *deadRedrive) putBack(ctx context.Context, console *console, parts *connections, filter storage.DeadFilter) (done int, err error) {
	redrive := func(ctx context.Context, filter storage.DeadFilter) error {
		redriven, err := parts.db.Redrive(ctx, filter)
		done += len(redriven)
		if err != nil {
			return err
		}
		return parts.enqueuer.Forget(redriven)
	}
	if c.Rate == 0 {
		err = redrive(ctx, filter)
	} else {
		all := filter.Documents
		bar := progress(console.err, len(all), "documents")
		err = evenly(ctx, len(all), c.Rate, func(from, to int) error {
			filter.Documents = all[from:to]
			// A chunk is done to its end, so that the count is right.
			if err := redrive(context.WithoutCancel(ctx), filter); err != nil {
				return err
			}
			_ = bar.Add(to - from) // a bar that cannot be drawn does no harm
			return nil
		})
		_ = bar.Finish()
	}
	if err != nil && done > 0 {
		err = fmt.Errorf("%w; %s put back so far, redrive again to go on", err, plural(done, "document"))
	}
	return done, err
}

// newPasswords seals new candidates for the documents that a source has some for,
// found of them; nil for the others.
func newPasswords(ctx context.Context, parts *connections, documents []storage.Redriven) (sealed [][]byte, found int, err error) {
	items := make([]record.Item, len(documents))
	for n, d := range documents {
		items[n].Object.Ref = objectstore.Ref{Bucket: d.Bucket, Key: d.Key}
	}
	if sealed, err = parts.recorder().Seal(ctx, idsOf(documents), items); err != nil {
		return nil, 0, err
	}
	for _, s := range sealed {
		if s != nil {
			found++
		}
	}
	return sealed, found, nil
}

// idsOf are the ids of documents; of none, an empty list and not nil.
func idsOf(documents []storage.Redriven) []uuid.UUID {
	ids := make([]uuid.UUID, len(documents))
	for n, d := range documents {
		ids[n] = d.DocumentID
	}
	return ids
}
