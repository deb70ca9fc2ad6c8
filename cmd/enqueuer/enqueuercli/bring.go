package enqueuercli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"casflow/internal/config"
	"casflow/internal/jobs"
	"casflow/internal/record"
	"casflow/internal/redact"
	"casflow/internal/retrieve"
	"casflow/internal/storage/objectstore"
)

const (
	// bringersAtOnce is how many PDFs are on their way at once: each is a file on disk.
	bringersAtOnce = 8
	// bringChunk is how many PDFs are put before they are recorded, all together. More
	// than CDSL gives at once: their OTP is spent, so all of them have to be put.
	bringChunk = 64
	// bringRecordTime is how long recording may take what is in S3, also when the
	// program is told to stop.
	bringRecordTime = 30 * time.Second
)

// bringing are the settings that commands share which put PDFs into S3 and record
// them.
type bringing struct {
	intake      `embed:""`
	Destination config.Destination `embed:""`

	Queue string `default:"interactive" enum:"interactive,bulk" help:"interactive goes ahead of bulk."`
	JSON  bool   `name:"json" help:"Write the result as JSON."`
}

// source is a PDF that is to be put into S3.
type source struct {
	name  string   // as it is shown
	names []string // by which its password may be found, besides its key
	// bring puts it there, unless it is there. In a dry run it only looks; then the
	// error of one that is not there matches fs.ErrNotExist.
	bring func(context.Context) (objectstore.Info, error)
}

// brought is what became of a source.
type brought struct {
	File       string `json:"file"`
	DocumentID string `json:"document_id,omitzero"` // "": failed or, in a dry run, not known yet
	Bucket     string `json:"bucket"`
	Key        string `json:"key,omitzero"`
	New        bool   `json:"new"`
	Status     string `json:"status,omitzero"`
	Error      string `json:"error,omitzero"`

	source source
	info   objectstore.Info
}

// check is what makes no sense, besides further faults; nil when all does.
func (b *bringing) check(further ...error) error {
	_, _, settings := b.read()
	return errors.Join(append(further, b.Destination.Faults(), settings)...)
}

// open connects to all that is needed, and makes sure that the bucket is there: what
// comes next may cost credits, or an OTP.
func (b *bringing) open(ctx context.Context, faults error, folder string) (*connections, *retrieve.Shelf, error) {
	parts, err := b.connect(ctx, errors.Join(faults, b.Destination.Faults()))
	if err != nil {
		return nil, nil, err
	}
	bucket, prefix := b.Destination.Upload()
	if err := parts.store.CheckBucket(ctx, bucket); err != nil {
		return nil, nil, errors.Join(err, parts.close())
	}
	return parts, &retrieve.Shelf{Store: parts.store, Bucket: bucket, Prefix: prefix + folder}, nil
}

// bring puts all sources into S3, records and queues them, and reports. One that fails
// keeps none of the others back. remedy says what to do when the ledger cannot be
// written.
func (b *bringing) bring(ctx context.Context, console *console, parts *connections, sources []source, remedy string) error {
	bar := progress(console.err, len(sources), "files")
	all := make([]brought, 0, len(sources))
	var faults []error
	var late error
	for chunk := range slices.Chunk(sources, bringChunk) {
		put, failed := b.put(ctx, chunk, func() { _ = bar.Add(1) }) // a bar that cannot be drawn does no harm
		faults = append(faults, failed...)
		notQueued, err := b.record(ctx, parts, put)
		late = errors.Join(late, notQueued)
		if err != nil {
			faults = append(faults, fmt.Errorf("%w; PDFs are in S3 that are not recorded: %s", err, remedy))
			break
		}
		all = append(all, put...)
		if ctx.Err() != nil {
			break
		}
	}
	_ = bar.Finish()
	if ctx.Err() != nil {
		faults = append(faults, fmt.Errorf("interrupted after %d of %s: %w", len(all), plural(len(sources), "file"), ctx.Err()))
	}
	if late != nil { // they are safe: no reason to fail, but to wonder why it takes longer
		faults = append(faults, console.note("%s; running workers do it in a moment", late))
	}
	return errors.Join(b.report(console, all), errors.Join(faults...))
}

// put puts sources into S3, some at once. The results of those that an interruption
// kept back are left out.
func (b *bringing) put(ctx context.Context, sources []source, one func()) (all []brought, faults []error) {
	all, errs := make([]brought, len(sources)), make([]error, len(sources))
	var group errgroup.Group
	group.SetLimit(bringersAtOnce)
	for n, s := range sources {
		group.Go(func() error {
			all[n].info, errs[n] = s.bring(ctx)
			one()
			return nil
		})
	}
	_ = group.Wait() // none of them returns an error
	bucket, _ := b.Destination.Upload()
	for n, s := range sources {
		all[n].source, all[n].File, all[n].Bucket, all[n].Key = s, redact.PANs(s.name), bucket, all[n].info.Key
		if errs[n] == nil || b.DryRun && errors.Is(errs[n], fs.ErrNotExist) {
			continue
		}
		all[n].Error = redact.PANs(errs[n].Error())
		if ctx.Err() == nil {
			faults = append(faults, fmt.Errorf("%s: %w", s.name, errs[n]))
		}
	}
	if ctx.Err() != nil {
		all = slices.DeleteFunc(all, func(one brought) bool { return one.Error != "" })
	}
	return all, faults
}

// record records what is in S3, also when the program is told to stop, and says how
// its documents stand.
func (b *bringing) record(ctx context.Context, parts *connections, all []brought) (notQueued, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), bringRecordTime)
	defer cancel()
	var items []record.Item
	for _, one := range all {
		if one.Key == "" {
			continue
		}
		item := b.items([]objectstore.Info{one.info}, b.Queue)[0]
		for _, name := range one.source.names {
			item.Passwords = append(item.Passwords, parts.passwords.Candidates(objectstore.Info{Ref: objectstore.Ref{Key: name}})...)
		}
		items = append(items, item)
	}
	ids := record.IDs(items)
	known, err := parts.db.Known(ctx, ids)
	if err != nil {
		return nil, err
	}
	if !b.DryRun {
		documents, err := parts.recorder().Documents(ctx, slices.DeleteFunc(items, func(i record.Item) bool { return known[i.ID()] }))
		if err != nil {
			return nil, err
		}
		if _, err = parts.enqueuer.Submit(ctx, documents); errors.Is(err, jobs.ErrNotQueued) {
			notQueued = err
		} else if err != nil {
			return nil, err
		}
	}
	standing, err := parts.db.Submissions(ctx, ids)
	if err != nil {
		return notQueued, err
	}
	for n := range all {
		if all[n].Key != "" {
			id := b.documentID(all[n].info)
			all[n].DocumentID, all[n].New, all[n].Status = id.String(), !known[id], string(standing[id].Status)
		} else {
			all[n].New = all[n].Error == ""
		}
	}
	return notQueued, nil
}

// report writes what became of the sources.
func (b *bringing) report(console *console, all []brought) error {
	if b.JSON {
		return console.json(all)
	}
	for _, one := range all {
		var err error
		switch {
		case one.Error != "": // is told on stderr
		case one.DocumentID == "":
			err = console.say("would be put and recorded  %s\n", one.File)
		default:
			state := one.Status
			if b.DryRun && one.New {
				state = "would be recorded"
			} else if !one.New {
				state += " (known)"
			}
			err = console.say("%s  s3://%s/%s  %s  %s\n", one.DocumentID, one.Bucket, one.Key, state, one.File)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
