package scan

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/google/uuid"

	"casflow/internal/redact"
	"casflow/internal/storage"
	"casflow/internal/storage/objectstore"
)

// lister lists a bucket. Its methods are safe for concurrent use.
type lister interface {
	// ListAfter gives the objects under prefix whose keys come after a key, in the order
	// of their keys, page by page.
	ListAfter(ctx context.Context, bucket, prefix, after string) iter.Seq2[objectstore.Page, error]
	// First gives the first key under prefix after a key; "" if there is none.
	First(ctx context.Context, bucket, prefix, after string) (string, error)
}

// Options are what to scan, and how.
type Options struct {
	Bucket, Prefix string
	Kind, Queue    string // of the documents
	Broker         string // of contract notes; "": the API finds out
	Batch          string // "" none
	// Suffix is how keys end, in any case; objects whose key ends otherwise are left
	// out. Empty takes all.
	Suffix string
	// Since leaves out objects last modified before. SinceText is how that was asked
	// for: an age is the same each night, the instant it means is not.
	Since     time.Time
	SinceText string
	// Limit is the most documents that are recorded; 0 is all. With a limit the objects
	// are gone through one after the other.
	Limit int
	// DryRun counts, and changes nothing.
	DryRun bool
	// Listers is how many pages are listed at once. Defaults to 8.
	Listers int
	// Resume is how long ago the same scan may have been cut short to be gone on with; 0
	// begins anew.
	Resume time.Duration
	// Seal finds and seals the passwords of objects, each for the document of the same
	// place in ids. Defaults to none.
	Seal func(ctx context.Context, ids []uuid.UUID, objects []objectstore.Info) ([][]byte, error)
	// SealNew has Seal asked only about documents that are new: where asking is dear.
	SealNew bool
	// Progress is told after each page how far the scan is, one call at a time.
	// Defaults to nobody.
	Progress func(Progress)
}

// defaultListers come near what one process can record.
const defaultListers = 8

// Progress is how far a scan is.
type Progress struct {
	storage.ScanCounts     // of this run
	Before             int // objects that it need not list, because a run that was cut short did
	Expected           int // how many objects there were last time, 0 unknown
}

// Summary is what a scan did.
type Summary struct {
	storage.ScanCounts // of this run
	// Resumed is whether it went on with a scan that was cut short, begun at BeganAt,
	// and Before what that one had come by.
	Resumed bool
	BeganAt time.Time
	Before  storage.ScanCounts
	// Limited is whether it ended because its limit was reached.
	Limited bool
}

// DocumentID is the id that an object has as a document.
func (o *Options) DocumentID(object objectstore.Info) uuid.UUID {
	return storage.DocumentID(object.Bucket, object.Key, object.ETag, o.Kind)
}

// sameAs names the scans that do the same as this one.
func (o *Options) sameAs() uuid.UUID {
	name := fmt.Sprintf("%q %q %q %q %q %q %q %q %d", o.Bucket, o.Prefix, o.Kind, o.Broker, o.Queue, o.Batch, strings.ToLower(o.Suffix), o.SinceText, o.Limit)
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("casflow scan "+name))
}

// Run scans. An error that matches storage.ErrScanning means that the same scan is
// under way. The summary holds whatever the error: what is recorded stays recorded.
func Run(ctx context.Context, db *storage.DB, store lister, o Options) (Summary, error) {
	r := newRun(db, store, o)
	if !o.DryRun {
		source := redact.PANs("s3://" + o.Bucket + "/" + o.Prefix)
		under, err := db.BeginScan(ctx, storage.NewScan{SameAs: o.sameAs(), Source: source, Batch: o.Batch, Since: o.Since, Resume: o.Resume})
		if err != nil {
			return r.summary(), err
		}
		defer under.Close() //nolint:contextcheck // closing must work when ctx has ended
		r.resume(under)
	}
	err := r.all(ctx)
	if err == nil && r.scan != nil {
		counts := r.before
		counts.Add(r.counts)
		err = r.scan.Finish(ctx, counts)
	}
	return r.summary(), err
}

// resume takes over what the ledger has of the scan.
func (r *run) resume(under *storage.Scan) {
	r.scan, r.o.Since, r.next = under, under.Since, under.Next
	r.before, r.expected = under.Before, under.Expected
	r.waiting = nil
	for _, part := range under.Ranges {
		r.waiting = append(r.waiting, &keyRange{
			number: part.Number, after: part.After, taken: part.After, until: part.Until, shared: len(r.o.Prefix),
		})
	}
}

func (r *run) summary() Summary {
	s := Summary{ScanCounts: r.counts, Before: r.before, Limited: r.full()}
	if r.scan != nil {
		s.Resumed, s.BeganAt = r.scan.Resumed, r.scan.BeganAt
	}
	return s
}

// full is whether the limit is reached.
func (r *run) full() bool { return r.o.Limit > 0 && r.before.New+r.counts.New >= r.o.Limit }

// errEnough ends a scan whose limit is reached.
var errEnough = errors.New("the limit is reached")
