package enqueuercli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"casflow/internal/jobs"
	"casflow/internal/redact"
	"casflow/internal/storage"
	"casflow/internal/storage/objectstore"
)

type submitCommand struct {
	Objects []string `arg:"" name:"s3://BUCKET/KEY" help:"PDFs in S3."`
	intake  `embed:""`

	Queue string `default:"interactive" enum:"interactive,bulk" help:"interactive goes ahead of bulk."`
	JSON  bool   `name:"json" help:"Write the result as JSON."`
}

// submitted is one document of a submission.
type submitted struct {
	DocumentID string         `json:"document_id"`
	Bucket     string         `json:"bucket"`
	Key        string         `json:"key"` // a PAN in it is masked, as everywhere
	New        bool           `json:"new"`
	Status     storage.Status `json:"status"`
}

// refs reads the addresses. Its error is all that makes no sense about them.
func (c *submitCommand) refs() ([]objectstore.Ref, error) {
	const form = "s3://BUCKET/KEY"
	refs := make([]objectstore.Ref, len(c.Objects))
	var faults []error
	for n, address := range c.Objects {
		var err error
		refs[n].Bucket, refs[n].Key, err = bucketAndKey(address, form)
		if err == nil && refs[n].Key == "" {
			err = fmt.Errorf("%s: expected %s; to take a whole bucket use scan", presentable(address), form)
		}
		if err != nil {
			faults = append(faults, err)
		}
	}
	return refs, errors.Join(faults...)
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (c *submitCommand) Faults() error {
	_, err := c.refs()
	_, _, settings := c.read()
	return errors.Join(err, settings)
}

func (c *submitCommand) Run(ctx context.Context, console *console) (err error) {
	refs, err := c.refs()
	parts, err := c.connect(ctx, err)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, parts.close()) }()

	// All are looked up before one is recorded.
	objects := make([]objectstore.Info, len(refs))
	var faults []error
	for n, ref := range refs {
		if objects[n], err = parts.store.Head(ctx, ref); err != nil {
			faults = append(faults, err)
		}
		objects[n].VersionID = "" // the newest was asked for: its ETag pins it
	}
	if len(faults) > 0 {
		return errors.Join(faults...)
	}
	fresh, err := c.submit(ctx, console, parts, objects)
	if err != nil {
		return err
	}
	return c.report(ctx, console, parts.db, objects, fresh)
}

// submit records and queues the objects that the ledger does not have, and
// returns the ids of the new documents; in a dry run those that would be.
func (c *submitCommand) submit(ctx context.Context, console *console, parts *connections, objects []objectstore.Info) ([]uuid.UUID, error) {
	unknown, err := c.unknown(ctx, parts.db, objects)
	if err != nil {
		return nil, err
	}
	documents, err := c.documents(ctx, parts, unknown, c.Queue)
	if err != nil {
		return nil, err
	}
	if c.DryRun {
		fresh := make([]uuid.UUID, len(documents))
		for n, document := range documents {
			fresh[n] = document.ID
		}
		return fresh, nil
	}
	fresh, err := parts.enqueuer.Submit(ctx, documents)
	if errors.Is(err, jobs.ErrNotQueued) { // they are safe: no reason to fail, but to wonder why it takes longer
		return fresh, console.note("%s; running workers do it in a moment", err)
	}
	return fresh, err
}

func (c *submitCommand) report(ctx context.Context, console *console, db *storage.DB, objects []objectstore.Info, fresh []uuid.UUID) error {
	results := make([]submitted, len(objects))
	for n, object := range objects {
		id := c.documentID(object)
		results[n] = submitted{DocumentID: id.String(), Bucket: object.Bucket, Key: redact.PANs(object.Key), New: slices.Contains(fresh, id)}
		document, err := db.Document(ctx, id)
		if err != nil && !errors.Is(err, storage.ErrNotFound) { // not found: a dry run
			return err
		}
		results[n].Status = document.Status
	}
	if c.JSON {
		return console.json(results)
	}
	for _, r := range results {
		state := string(r.Status)
		switch {
		case c.DryRun && r.New:
			state = "would be recorded"
		case !r.New:
			state += " (known)"
		}
		if err := console.say("%s  s3://%s/%s  %s\n", r.DocumentID, r.Bucket, r.Key, state); err != nil {
			return err
		}
	}
	return nil
}
