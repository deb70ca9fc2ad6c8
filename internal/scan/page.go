package scan

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"casflow/internal/s3event"
	"casflow/internal/storage"
	"casflow/internal/storage/objectstore"
)

// page records what is chosen of a page; done is whether it is the last of its
// range.
func (r *run) page(ctx context.Context, part *keyRange, objects []objectstore.Info, done bool) error {
	found := storage.ScanPage{Last: part.after, Listed: len(objects), Done: done}
	if len(objects) > 0 {
		found.Last = objects[len(objects)-1].Key
		part.after = found.Last
	}
	chosen := r.choose(objects)
	found.LeftOut = len(objects) - len(chosen)
	ids := make([]uuid.UUID, len(chosen))
	for n, object := range chosen {
		ids[n] = r.o.DocumentID(object)
	}
	if len(ids) > 0 && (r.o.DryRun || r.o.SealNew || r.o.Limit > 0) { // else recording finds out what is known
		known, err := r.db.Known(ctx, ids)
		if err != nil {
			return err
		}
		ids, chosen = unknown(known, ids, chosen)
		found.Known = found.Listed - found.LeftOut - len(chosen)
	}
	if r.o.Limit > 0 { // before anything is asked about those beyond
		most := min(len(chosen), r.o.Limit-r.before.New-r.counts.New) // one lister: nobody else counts
		ids, chosen = ids[:most], chosen[:most]
	}
	var err error
	if found.Documents, err = r.documents(ctx, ids, chosen); err != nil {
		return err
	}
	counts, err := r.record(ctx, part.number, found)
	if err != nil {
		return err
	}
	r.count(counts)
	if r.full() {
		return errEnough
	}
	return nil
}

func (r *run) count(counts storage.ScanCounts) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts.Add(counts)
	if r.o.Progress != nil {
		r.o.Progress(Progress{ScanCounts: r.counts, Before: r.before.Listed, Expected: r.expected})
	}
}

// choose leaves out what the scan is not about.
func (r *run) choose(objects []objectstore.Info) []objectstore.Info {
	chosen := make([]objectstore.Info, 0, len(objects))
	for _, object := range objects {
		folder := strings.HasSuffix(object.Key, "/") && object.Size == 0
		if !folder && s3event.HasSuffix(object.Key, r.o.Suffix) && !object.LastModified.Before(r.o.Since) {
			chosen = append(chosen, object)
		}
	}
	return chosen
}

// unknown leaves out what is known.
func unknown(known map[uuid.UUID]bool, ids []uuid.UUID, objects []objectstore.Info) ([]uuid.UUID, []objectstore.Info) {
	kept := 0
	for n, id := range ids {
		if !known[id] {
			ids[kept], objects[kept] = id, objects[n]
			kept++
		}
	}
	return ids[:kept], objects[:kept]
}

// documents makes documents of objects.
func (r *run) documents(ctx context.Context, ids []uuid.UUID, objects []objectstore.Info) ([]storage.NewDocument, error) {
	var sealed [][]byte
	if r.o.Seal != nil && len(objects) > 0 {
		var err error
		if sealed, err = r.o.Seal(ctx, ids, objects); err != nil {
			return nil, err
		}
	}
	documents := make([]storage.NewDocument, len(objects))
	for n, object := range objects {
		documents[n] = storage.NewDocument{
			ID: ids[n], Bucket: object.Bucket, Key: object.Key, VersionID: object.VersionID, ETag: object.ETag,
			SizeBytes: object.Size, Kind: r.o.Kind, Broker: r.o.Broker, Queue: r.o.Queue, Batch: r.o.Batch,
		}
		if sealed != nil {
			documents[n].SealedPasswords = sealed[n]
		}
	}
	return documents, nil
}

// record writes a page down, or in a dry run counts what would be.
func (r *run) record(ctx context.Context, number int, page storage.ScanPage) (storage.ScanCounts, error) {
	if r.scan != nil {
		return r.scan.Record(ctx, number, page)
	}
	counts := storage.ScanCounts{Listed: page.Listed, LeftOut: page.LeftOut, Known: page.Known, New: len(page.Documents)}
	for _, document := range page.Documents {
		if document.SealedPasswords == nil {
			counts.Bare++
		}
	}
	return counts, nil
}
