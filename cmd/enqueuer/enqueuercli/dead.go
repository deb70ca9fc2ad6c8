package enqueuercli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/google/uuid"

	"casflow/internal/config"
	"casflow/internal/redact"
	"casflow/internal/storage"
)

type deadCommand struct {
	List    deadList    `cmd:"" help:"List dead letters, oldest first."`
	Show    deadShow    `cmd:"" help:"Show all that is known of documents: the dead letter, the object, every attempt."`
	Redrive deadRedrive `cmd:"" help:"Put dead documents back, with a fresh set of attempts."`
	Discard deadDiscard `cmd:"" help:"Give dead documents up for good; they stay on record."`
}

// deadFilter are the flags that choose dead letters.
type deadFilter struct {
	Reason    string   `help:"Only those that died of this reason."`
	Batch     string   `help:"Only those of this batch."`
	Document  []string `placeholder:"ID" help:"Only these documents; repeatable."`
	OlderThan string   `placeholder:"AGE" help:"Only those that died longer ago than this (36h)."`
	NewerThan string   `placeholder:"AGE" help:"Only those that died less long ago than this (2h)."`
	Limit     int      `help:"At most so many, the oldest; 0 is all."`
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
	var older, newer error
	filter.OlderThan, older = readAge("--older-than", f.OlderThan)
	filter.NewerThan, newer = readAge("--newer-than", f.NewerThan)
	faults = append(faults, older, newer)
	if filter.NewerThan > 0 && filter.OlderThan >= filter.NewerThan {
		faults = append(faults, fmt.Errorf("--older-than is %s and --newer-than %s; nothing is both", f.OlderThan, f.NewerThan))
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

// readAge reads a flag that is an age; 0 where it is not given.
func readAge(flag, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	age, err := time.ParseDuration(text)
	if err != nil || age <= 0 {
		return 0, fmt.Errorf("%s is %q; expected an age with its unit, such as 90m or 36h", flag, text)
	}
	return age, nil
}

// deadChoice are the flags that choose dead letters to do something about.
type deadChoice struct {
	deadFilter `embed:""`

	All bool `help:"All that is dead; needed when nothing else chooses."`
}

// chosen is filter, where a flag chooses at all.
func (c deadChoice) chosen() (storage.DeadFilter, error) {
	filter, err := c.filter()
	chooses := c.Reason != "" || c.Batch != "" || len(c.Document) > 0 || c.OlderThan != "" || c.NewerThan != "" || c.Limit != 0
	if !c.All && !chooses {
		err = errors.New("nothing chooses which dead letters: give --reason, --batch, --document, --older-than, --newer-than or --limit, or --all")
	}
	return filter, err
}

type deadList struct {
	Postgres   config.Postgres `embed:""`
	deadFilter `embed:""`

	Discarded bool `help:"Those that were discarded, instead of the others."`
	JSON      bool `name:"json" help:"Write them as JSON."`
	Unmasked  bool `help:"Show object keys with the PANs that they may hold."`
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
	if c.Discarded {
		filter.Letters = storage.LettersDiscarded
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
	for i := range letters {
		letters[i].Message = redact.PANs(letters[i].Message)
		if !c.Unmasked {
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
	return c.table(console.out, letters)
}

func (c *deadList) table(w io.Writer, letters []storage.DeadDocument) error {
	rows := newTable(w)
	head := []string{"DEAD AT", "REASON", "STATUS", "DOCUMENT", "OBJECT", "BATCH", "REQUEST", "MESSAGE"}
	if c.Discarded {
		head = append(head, "DISCARDED AT", "BY", "WHY")
	}
	rows.add(head...)
	for _, l := range letters {
		object := ""
		if l.Bucket != "" {
			object = "s3://" + l.Bucket + "/" + l.Key
		}
		row := []string{instant(&l.DeadAt), string(l.Reason), statusCode(l.HTTPStatus), l.DocumentID.String(), object, l.Batch, l.RequestID, l.Message}
		if c.Discarded {
			row = append(row, instant(l.DiscardedAt), l.DiscardedBy, l.DiscardedWhy)
		}
		rows.add(row...)
	}
	return rows.flush()
}

// table lays out rows of cells in columns.
type table struct{ w *tabwriter.Writer }

func newTable(w io.Writer) table { return table{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)} }

// add writes a row. Whatever a key or message may hold, it stays in its cell.
func (t table) add(cells ...string) {
	for n, cell := range cells {
		cells[n] = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return ' '
			}
			return r
		}, cell)
	}
	_, _ = fmt.Fprintln(t.w, strings.Join(cells, "\t")) // flush reports
}

func (t table) flush() error {
	if err := t.w.Flush(); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// instant is a time as tables show it; "" for none.
func instant(at *time.Time) string {
	if at == nil {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

// statusCode is an HTTP status as tables show it; "" for none.
func statusCode(status int) string {
	if status == 0 {
		return ""
	}
	return fmt.Sprint(status)
}
