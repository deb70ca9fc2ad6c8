package jobs

import (
	"context"
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
	err := r.DB.ReplayGroups(working, replay, filter, func(documents []storage.Replayed) error {
		group.Go(func() error {
			for _, document := range documents {
				current, err := r.replay(working, &turns, document)
				if err != nil && !unreadableForGood(err) {
					return err
				}
				mu.Lock()
				result.Failure = err
				switch {
				case err != nil:
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
				mu.Unlock()
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
	return errors.Is(err, errBadAnswer) || errors.Is(err, errMissingPAN) || errors.Is(err, errPanic) || errors.Is(err, storage.ErrRefused)
}

// replay reads the answer of one document anew and saves its rows.
func (r Replayer) replay(ctx context.Context, turns *turns, document storage.Replayed) (current bool, err error) {
	answer, err := r.DB.Answer(ctx, document.DocumentID)
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil // it was erased meanwhile
	}
	if err != nil {
		return false, err
	}
	defer turns.enter(answer)()
	read, err := readContained(source{body: answer.Body, kind: document.Kind, receivedAt: answer.ReceivedAt, pan: r.PAN})
	if err != nil {
		return false, named(document.DocumentID, err)
	}
	saved, err := r.DB.Resave(ctx, answer, read.content)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return false, nil
	case errors.Is(err, storage.ErrRefused):
		return false, named(document.DocumentID, err)
	}
	return saved.Current, err
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
