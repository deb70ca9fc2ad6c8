package enqueuercli

import (
	"context"
	"errors"
	"fmt"
	"path"

	"casflow/internal/config"
	"casflow/internal/jobs"
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
	Key        string         `json:"key"`
	New        bool           `json:"new"`
	Status     storage.Status `json:"status"`
}

func (c *submitCommand) Run(ctx context.Context, console *console) (err error) {
	refs := make([]objectstore.Ref, len(c.Objects))
	var faults []error
	for n, address := range c.Objects {
		refs[n].Bucket, refs[n].Key, err = bucketAndKey(address)
		if err == nil && refs[n].Key == "" {
			err = errors.New("expected s3://BUCKET/KEY; to take a whole bucket use scan")
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", address, err))
		}
	}
	if len(faults) > 0 {
		return config.Usage(errors.Join(faults...))
	}
	parts, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, parts.close()) }()

	// All are looked up before one is recorded.
	objects := make([]objectstore.Info, len(refs))
	for n, ref := range refs {
		if objects[n], err = parts.store.Head(ctx, ref); err != nil {
			faults = append(faults, err)
		}
		objects[n].VersionID = "" // the newest was asked for: its ETag pins it
	}
	if len(faults) > 0 {
		return errors.Join(faults...)
	}
	documents, _, err := c.newDocuments(ctx, parts, objects, c.Queue, path.Base)
	if err != nil {
		return err
	}
	if !c.DryRun {
		if _, err := parts.enqueuer.Submit(ctx, documents); err != nil && !errors.Is(err, jobs.ErrNotQueued) {
			return err //nolint:wrapcheck // jobs says it all
		}
	}
	return c.report(ctx, console, parts, objects, documents)
}

func (c *submitCommand) report(
	ctx context.Context, console *console, parts *connections, objects []objectstore.Info, documents []storage.NewDocument,
) error {
	fresh := make(map[string]bool, len(documents))
	for _, d := range documents {
		fresh[d.ID.String()] = true
	}
	results := make([]submitted, len(objects))
	for n, object := range objects {
		id := storage.DocumentID(object.Bucket, object.Key, object.ETag, c.Kind)
		results[n] = submitted{DocumentID: id.String(), Bucket: object.Bucket, Key: object.Key, New: fresh[id.String()]}
		document, err := parts.db.Document(ctx, id)
		if err != nil && !errors.Is(err, storage.ErrNotFound) { // not found: a dry run
			return err //nolint:wrapcheck // storage says it all
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
