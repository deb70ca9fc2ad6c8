package jobs

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"casflow/internal/redact"
	"casflow/internal/storage"
)

// Replayer reads stored answers anew: after a fix of how they are read, or where
// somebody knows the PAN that an answer does not name. It never calls the API.
type Replayer struct {
	DB *storage.DB
	// Workers is how many investors are worked on at once.
	Workers int
	// PAN is whose statement an answer is that names no PAN itself; "" for none.
	PAN string
	// Progress is called after each document, from one goroutine at a time.
	Progress func(ReplayResult)
}

// ReplayResult counts what a replay has done so far.
type ReplayResult struct {
	Read    int // answers that were turned into rows
	Current int // of Read: those whose rows stand, no other answer being newer or fuller
	Failed  int // answers that cannot be read still; their documents are as they were
	// Failure is why the document failed that was last worked on; nil where it did not.
	Failure error
}

// Run works off a replay: investors side by side, the documents of each in order, so
// that the same answers always give the same rows. An answer that cannot be read is
// counted and told, and the others go on; an error is trouble with the ledger.
func (r Replayer) Run(ctx context.Context, replay storage.Replay, filter storage.ReplayFilter) (ReplayResult, error) {
	var (
		mu     sync.Mutex
		turns  turns
		result ReplayResult
	)
	group, working := errgroup.WithContext(ctx) // which ends with the first error
	group.SetLimit(max(1, r.Workers))
	tell := func(current bool, failure error) {
		mu.Lock()
		defer mu.Unlock()
		result.Failure = failure
		switch {
		case failure != nil:
			result.Failed++
		case current:
			result.Current++
			fallthrough
		default:
			result.Read++
		}
		if r.Progress != nil {
			r.Progress(result)
		}
	}
	err := r.DB.ReplayGroups(working, replay, filter, func(documents []storage.Replayed) error {
		group.Go(func() error {
			for len(documents) > 0 {
				n := fitting(documents)
				if err := r.replay(working, &turns, documents[:n], tell); err != nil {
					return err
				}
				documents = documents[n:]
			}
			return nil
		})
		return working.Err()
	})
	if err = errors.Join(group.Wait(), err); err != nil {
		return result, fmt.Errorf("replay: %w", err)
	}
	result.Failure = nil
	return result, r.DB.FinishReplay(ctx, replay)
}

// unreadableForGood reports whether it is the answer that is at fault.
func unreadableForGood(err error) bool {
	return errors.Is(err, errBadAnswer) || errors.Is(err, errMissingPAN) || errors.Is(err, errPanic)
}

// readTogether and readBytes are how many answers are read together, and how large
// they are: one that is larger is alone.
const (
	readTogether = 8
	readBytes    = 1 << 20
)

// fitting is how many of the first documents are read together.
func fitting(documents []storage.Replayed) (n int) {
	for size := 0; n < min(len(documents), readTogether); n++ {
		if size += documents[n].Size; n > 0 && size > readBytes {
			break
		}
	}
	return n
}

// replay reads the answers of documents anew and saves their rows.
func (r Replayer) replay(ctx context.Context, turns *turns, documents []storage.Replayed, tell func(current bool, failure error)) error {
	ids := make([]uuid.UUID, len(documents))
	for i, d := range documents {
		ids[i] = d.DocumentID
	}
	answers, err := r.DB.Answers(ctx, ids)
	if err != nil {
		return err
	}
	var rereads []storage.Reread
	for _, document := range documents {
		answer, found := answers[document.DocumentID]
		if !found {
			tell(false, nil) // it was erased meanwhile
			continue
		}
		defer turns.enter(answer)() // a large one is alone
		read, err := readContained(source{body: answer.Body, kind: document.Kind, receivedAt: answer.ReceivedAt, pan: r.PAN})
		switch {
		case err == nil:
			sum := sha256.Sum256(answer.Body)
			answer.Body = nil // of no use any more
			rereads = append(rereads, storage.Reread{Answer: answer, Sum: sum, Content: read.content})
		case unreadableForGood(err):
			tell(false, named(document.DocumentID, err))
		default:
			return err
		}
	}
	saved, err := r.DB.ResaveAll(ctx, rereads)
	for i, s := range saved {
		switch {
		case errors.Is(s.Err, storage.ErrNotFound):
			tell(false, nil)
		case s.Err != nil:
			tell(false, named(rereads[i].Answer.DocumentID, s.Err))
		default:
			tell(s.Current, nil)
		}
	}
	return err
}

// named says whose answer cannot be read, without a PAN.
func named(document uuid.UUID, err error) error {
	return fmt.Errorf("document %s: %w", document, maskedError{err})
}

// maskedError is an error whose text has its PANs masked.
type maskedError struct{ error }

func (e maskedError) Error() string { return redact.PANs(e.error.Error()) }
func (e maskedError) Unwrap() error { return e.error }

// readContained normalizes an answer, and a panic of that is an error.
func readContained(from source) (read reading, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%w (%T)", errPanic, cause) // the panic's text may quote data
		}
	}()
	return normalize(from)
}
