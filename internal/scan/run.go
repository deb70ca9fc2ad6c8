package scan

import (
	"context"
	"errors"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"casflow/internal/storage"
)

// run is one run of a scan.
type run struct {
	db    *storage.DB
	store lister
	o     Options
	scan  *storage.Scan // nil in a dry run

	before   storage.ScanCounts // of earlier runs
	expected int

	mu      sync.Mutex
	changed *sync.Cond // there may be something for a lister that has nothing to do
	counts  storage.ScanCounts
	waiting []*keyRange // nobody is at them
	active  []*keyRange
	next    int // number of the next range
}

func newRun(db *storage.DB, store lister, o Options) *run {
	if o.Listers <= 0 {
		o.Listers = defaultListers
	}
	if o.Limit > 0 {
		o.Listers = 1 // else which ones are recorded would be chance
	}
	r := &run{db: db, store: store, o: o, waiting: []*keyRange{{shared: len(o.Prefix)}}, next: 1}
	r.changed = sync.NewCond(&r.mu)
	return r
}

// all lists all ranges and records what they hold.
func (r *run) all(ctx context.Context) error {
	if r.full() { // by an earlier run
		return nil
	}
	group, listing := errgroup.WithContext(ctx)
	stop := context.AfterFunc(listing, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.changed.Broadcast()
	})
	defer stop()
	for range r.o.Listers {
		group.Go(func() error {
			for {
				part, err := r.take(listing)
				if part == nil || err != nil {
					return err
				}
				if err := r.list(listing, part); err != nil {
					return err
				}
			}
		})
	}
	switch err := group.Wait(); {
	case errors.Is(err, errEnough):
		return nil
	case err != nil:
		return err //nolint:wrapcheck // the listers' own
	default:
		return ctx.Err() //nolint:wrapcheck // an interruption
	}
}

// take gives a lister something to do: a range that waits, else a part of one that
// another lister is at. It waits for there to be one; nil means that there is nothing
// to do any more.
func (r *run) take(ctx context.Context) (*keyRange, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		if ctx.Err() != nil { // for a reason that those tell who are at something
			return nil, nil //nolint:nilnil // documented: there is nothing to do
		}
		if len(r.waiting) > 0 {
			part := r.waiting[0]
			r.waiting = r.waiting[1:]
			r.active = append(r.active, part)
			return part, nil
		}
		if len(r.active) == 0 {
			return nil, nil //nolint:nilnil // documented: there is nothing to do
		}
		victim := r.divisible()
		if victim == nil {
			r.changed.Wait()
			continue
		}
		part, err := r.divide(ctx, victim)
		if err != nil {
			return nil, err
		}
		if part != nil {
			r.active = append(r.active, part)
			return part, nil
		}
	}
}

// divisible is the range to cut: of those that have come on since it was last
// tried, the one whose keys have the least in common, which is likely the largest.
func (r *run) divisible() *keyRange {
	var best *keyRange
	for _, part := range r.active {
		if part.fresh && !part.cutting && (best == nil || part.shared < best.shared) {
			best = part
		}
	}
	return best
}

// divide cuts off a part of a range; nil if there is nothing to cut off. r.mu is
// held, but let go of while S3 is asked.
func (r *run) divide(ctx context.Context, victim *keyRange) (*keyRange, error) {
	victim.fresh, victim.cutting = false, true
	shared, number := victim.shared, r.next
	r.next++
	r.mu.Unlock()
	part, below, err := r.cutOff(ctx, victim, shared, number)
	r.mu.Lock()
	victim.cutting = false
	if part != nil {
		victim.shared = below
	}
	return part, err
}

func (r *run) cutOff(ctx context.Context, victim *keyRange, shared, number int) (part *keyRange, below int, err error) {
	victim.mu.Lock()
	taken, until := victim.taken, victim.until
	victim.mu.Unlock()
	at, below, above, err := cut(ctx, func(ctx context.Context, after string) (string, error) {
		return r.store.First(ctx, r.o.Bucket, r.o.Prefix, after)
	}, taken, until, shared)
	if at == "" || err != nil {
		return nil, 0, err
	}
	victim.mu.Lock()
	defer victim.mu.Unlock()
	if victim.taken >= at { // it has come there meanwhile
		return nil, 0, nil
	}
	part = &keyRange{number: number, after: at, taken: at, until: victim.until, shared: above}
	if r.scan != nil {
		next := storage.ScanRange{Number: number, After: at, Until: part.until}
		if err := r.scan.Split(ctx, victim.number, at, next); err != nil {
			return nil, 0, err
		}
	}
	victim.until = at
	return part, below, nil
}

// list goes through a range page by page.
func (r *run) list(ctx context.Context, part *keyRange) error {
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.active = slices.DeleteFunc(r.active, func(other *keyRange) bool { return other == part })
		r.changed.Broadcast() // others may wait for the end of all
	}()
	for page, err := range r.store.ListAfter(ctx, r.o.Bucket, r.o.Prefix, part.after) {
		if err != nil {
			return err
		}
		own, done, err := part.take(page)
		if err != nil {
			return err
		}
		if !done {
			r.mu.Lock()
			part.fresh = true
			r.changed.Signal()
			r.mu.Unlock()
		}
		if err := r.page(ctx, part, own, done); err != nil || done {
			return err
		}
	}
	return nil
}
