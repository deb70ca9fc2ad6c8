package enqueuercli

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"casflow/internal/config"
	"casflow/internal/redact"
	"casflow/internal/storage"
)

type batchCommand struct {
	Report batchReportCommand `cmd:"" help:"Write a line per document of a batch: status, reason, credits and request ids, as CSV."`
}

type batchReportCommand struct {
	Postgres config.Postgres `embed:""`

	Name string `arg:"" name:"BATCH" help:"Its name."`
	CSV  string `name:"csv" default:"-" placeholder:"FILE" help:"File to write, which is replaced once all of it is there; - is standard output."`
}

func (c *batchReportCommand) Run(ctx context.Context, console *console) error {
	if err := config.Validate(c.Postgres); err != nil {
		return err
	}
	db, err := openLedger(ctx, c.Postgres)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.Batch(ctx, c.Name); err != nil {
		return unknownBatch(c.Name, err)
	}
	if c.CSV == "-" {
		_, err := c.write(ctx, db, console.out)
		return err
	}
	lines := 0
	err = replaceFile(c.CSV, func(w io.Writer) (err error) {
		lines, err = c.write(ctx, db, w)
		return err
	})
	if err != nil {
		return err
	}
	return console.note("%s written to %s", plural(lines, "document"), c.CSV)
}

// unknownBatch says of a batch that cannot be read what is wrong.
func unknownBatch(name string, err error) error {
	if errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("there is no batch %q; nothing was ever recorded under that name", name)
	}
	return err
}

// write writes the report and returns how many documents are in it.
func (c *batchReportCommand) write(ctx context.Context, db *storage.DB, to io.Writer) (lines int, err error) {
	w := csv.NewWriter(to)
	put := func(cells ...string) error {
		if err := w.Write(cells); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
		return nil
	}
	if err := put("document_id", "status", "reason", "credits", "request_id", "calls", "unsettled", "object_key", "recorded_at", "finished_at"); err != nil {
		return 0, err
	}
	err = db.BatchReport(ctx, c.Name, func(l storage.BatchLine) error {
		lines++
		finished := ""
		if l.FinishedAt != nil {
			finished = l.FinishedAt.UTC().Format(time.RFC3339)
		}
		return put(l.DocumentID.String(), string(l.Status), string(l.Reason), l.Credits, l.RequestIDs, strconv.Itoa(l.Calls), strconv.Itoa(l.Unsettled),
			plain(redact.PANs(l.Key)), l.RecordedAt.UTC().Format(time.RFC3339), finished)
	})
	if err != nil {
		return 0, err
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return 0, fmt.Errorf("write report: %w", err)
	}
	return lines, nil
}

// plain keeps spreadsheets from taking a text for a formula.
func plain(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// replaceFile writes a file and puts it in its place once all of it is there.
func replaceFile(name string, write func(io.Writer) error) (err error) {
	file, err := os.CreateTemp(filepath.Dir(name), ".casflow-*")
	if err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	if err := errors.Join(write(file), file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), name); err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	return nil
}
