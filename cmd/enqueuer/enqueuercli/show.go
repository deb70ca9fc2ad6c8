package enqueuercli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"casflow/internal/config"
	"casflow/internal/redact"
	"casflow/internal/storage"
)

type deadShow struct {
	Documents []string        `arg:"" name:"DOCUMENT_ID" help:"Documents, dead or not, as dead list and logs name them."`
	Postgres  config.Postgres `embed:""`

	JSON     bool `name:"json" help:"Write it as JSON."`
	Unmasked bool `help:"Show object keys with the PANs that they may hold."`
}

// history is storage.History with what can be reckoned from it.
type history struct {
	storage.History
	Attempts []attempt `json:"attempts"`
}

type attempt struct {
	storage.Attempt
	Seconds *float64 `json:"duration_seconds,omitempty"` // nil: under way
}

// ids reads the arguments. Its error is all that makes no sense about them.
func (c *deadShow) ids() ([]uuid.UUID, error) {
	ids := make([]uuid.UUID, len(c.Documents))
	var faults []error
	for n, text := range c.Documents {
		var err error
		if ids[n], err = uuid.Parse(text); err != nil {
			faults = append(faults, fmt.Errorf("%q: expected the id of a document", redact.PANs(text)))
		}
	}
	return ids, errors.Join(faults...)
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (c *deadShow) Faults() error {
	_, err := c.ids()
	return errors.Join(err, c.Postgres.Faults())
}

func (c *deadShow) Run(ctx context.Context, console *console) error {
	ids, err := c.ids()
	if err := errors.Join(err, c.Postgres.Faults()); err != nil {
		return config.Usage(err)
	}
	db, err := openLedger(ctx, c.Postgres)
	if err != nil {
		return err
	}
	defer db.Close()

	found := make([]history, 0, len(ids)) // an empty list in JSON, not null
	var missing []error
	for _, id := range ids {
		h, err := db.History(ctx, id)
		switch {
		case errors.Is(err, storage.ErrNotFound):
			missing = append(missing, err)
		case err != nil:
			return err
		default:
			found = append(found, c.presentable(h))
		}
	}
	if c.JSON {
		err = console.json(found)
	} else {
		err = writeHistories(console.out, found)
	}
	return errors.Join(append(missing, err)...)
}

// presentable is a history as it may be shown.
func (c *deadShow) presentable(h storage.History) history {
	if h.Document != nil && !c.Unmasked {
		h.Document.Key = redact.PANs(h.Document.Key)
	}
	if h.DeadLetter != nil {
		h.DeadLetter.Message = redact.PANs(h.DeadLetter.Message)
	}
	shown := history{History: h, Attempts: make([]attempt, len(h.Attempts))}
	for n, a := range h.Attempts {
		a.Message = redact.PANs(a.Message)
		shown.Attempts[n].Attempt = a
		if a.FinishedAt != nil {
			shown.Attempts[n].Seconds = new(a.FinishedAt.Sub(a.StartedAt).Seconds())
		}
	}
	return shown
}

func writeHistories(w io.Writer, histories []history) error {
	for n, h := range histories {
		if n > 0 {
			if _, err := fmt.Fprintln(w); err != nil {
				return fmt.Errorf("write output: %w", err)
			}
		}
		if err := errors.Join(h.writeState(w), h.writeAttempts(w)); err != nil {
			return err
		}
	}
	return nil
}

// writeState writes what there is of the document and of its letter, a line each.
func (h history) writeState(w io.Writer) error {
	lines := newTable(w)
	line := func(name, text string) {
		if text != "" {
			lines.add(name, text)
		}
	}
	line("document", h.DocumentID.String())
	if d := h.Document; d != nil {
		kept := ""
		if d.AnswerKept {
			kept = "kept: a redrive costs no call"
		}
		line("status", string(d.Status))
		line("object", "s3://"+d.Bucket+"/"+d.Key)
		line("version", d.VersionID)
		line("etag", d.ETag)
		line("size", fmt.Sprintf("%d bytes", d.SizeBytes))
		line("kind", d.Kind)
		line("queue", d.Queue)
		line("batch", d.Batch)
		line("recorded", instant(&d.CreatedAt))
		line("finished", instant(d.FinishedAt))
		line("answer", kept)
	} else {
		line("status", "a task without a document")
	}
	if l := h.DeadLetter; l != nil {
		line("died", instant(&l.DeadAt))
		line("reason", string(l.Reason))
		line("http status", statusCode(l.HTTPStatus))
		line("message", l.Message)
		line("request", l.RequestID)
		line("discarded", instant(l.DiscardedAt))
		line("  by", l.DiscardedBy)
		line("  why", l.DiscardedWhy)
		line("redriven", instant(l.RedrivenAt))
	}
	if d := h.Document; d != nil {
		line("attempts", fmt.Sprintf("%d in all, %d counted", len(h.Attempts), d.Counted))
	}
	return lines.flush()
}

func (h history) writeAttempts(w io.Writer) error {
	if len(h.Attempts) == 0 {
		return nil
	}
	rows := newTable(w)
	rows.add("STARTED", "FINISHED", "TOOK", "ENDPOINT", "OUTCOME", "STATUS", "CODE", "CREDITS", "REQUEST", "API REQUEST", "RETRY AT", "MESSAGE")
	for _, a := range h.Attempts {
		took := ""
		if a.FinishedAt != nil {
			took = a.FinishedAt.Sub(a.StartedAt).Round(time.Millisecond).String()
		}
		rows.add(instant(&a.StartedAt), instant(a.FinishedAt), took, a.Endpoint, string(a.Outcome), statusCode(a.HTTPStatus),
			a.Code, a.Credits, a.RequestID, a.APIRequestID, instant(a.RetryAt), a.Message)
	}
	return rows.flush()
}
