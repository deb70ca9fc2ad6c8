package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"casflow/internal/casapi"
	"casflow/internal/storage"
)

// Usage is the API's log of calls.
type Usage interface {
	Usage(ctx context.Context, query casapi.UsageQuery) ([]casapi.UsageEntry, error)
}

const (
	// usageMargin widens the span of time that the log is asked for: clocks differ,
	// and a call is logged when it ends.
	usageMargin = 10 * time.Minute
	// usageLag is how long the log may trail behind the calls: a quarter to half an
	// hour was reported for large accounts. A call that is missing from it after
	// twice that never arrived.
	usageLag = time.Hour
	// usagePage is the most entries that the log gives at once.
	usagePage = 500
)

// Reconciled is what a reconciliation found.
type Reconciled struct {
	Unknown int // attempts that were looked for
	Billed  int // were billed, though no answer came
	Free    int // were not billed
	Left    int // the log cannot say yet
}

// Reconcile settles attempts of unknown outcome against the API's usage log, by
// the request id that was sent: all of them since a time, or one document's
// (uuid.Nil is all). An error means that the log or the ledger could not be read;
// what was settled before it stays so.
func Reconcile(ctx context.Context, db *storage.DB, api Usage, document uuid.UUID, since time.Time) (Reconciled, error) {
	unknown, err := db.UnknownAttempts(ctx, document, since)
	if err != nil || len(unknown) == 0 {
		return Reconciled{}, err
	}
	result := Reconciled{Unknown: len(unknown), Left: len(unknown)}
	logged, err := readUsage(ctx, api, unknown[0].StartedAt.Add(-usageMargin), unknown[len(unknown)-1].StartedAt.Add(usageMargin))
	if err != nil {
		return result, err
	}
	now := time.Now()
	var settlements []storage.Settlement
	for _, attempt := range unknown {
		entry, found := logged[attempt.RequestID]
		settlement := storage.Settlement{RequestID: attempt.RequestID, Credits: "0"}
		switch {
		case found:
			settlement.HTTPStatus, settlement.Credits = entry.StatusCode, entry.Credits
			settlement.Billed = entry.Charged()
		case now.Sub(attempt.StartedAt) < usageLag:
			continue
		}
		if settlement.Billed {
			result.Billed++
		} else {
			result.Free++
		}
		settlements = append(settlements, settlement)
	}
	if _, err := db.Settle(ctx, settlements); err != nil {
		return result, err
	}
	result.Left -= len(settlements)
	return result, nil
}

// readUsage reads the log of a span of time, page by page, newest first.
func readUsage(ctx context.Context, api Usage, from, to time.Time) (map[string]casapi.UsageEntry, error) {
	logged := make(map[string]casapi.UsageEntry)
	for {
		page, err := api.Usage(ctx, casapi.UsageQuery{Start: from, End: to, Limit: usagePage})
		if err != nil {
			return nil, fmt.Errorf("read usage log: %w", err)
		}
		fresh, oldest := 0, to
		for _, entry := range page {
			if _, known := logged[entry.RequestID]; !known {
				fresh++
			}
			logged[entry.RequestID] = entry
			if !entry.At.IsZero() && entry.At.Before(oldest) {
				oldest = entry.At
			}
		}
		if len(page) < usagePage || fresh == 0 {
			return logged, nil
		}
		to = oldest.Add(time.Second) // several may share a moment
	}
}

// unsettled deals with a document whose earlier call may have been billed: its
// answer may be parked, and otherwise the usage log is asked before it is called
// again. found is true for a parked answer.
func (r *run) unsettled(ctx context.Context) (_ storage.Answer, found bool, err error) {
	answer, end, found, err := r.p.Parked.Take(ctx, r.document.ID)
	switch {
	case found:
		r.parked, r.end = true, end
		r.p.Metrics.answersReused.Inc()
		return answer, true, nil
	case err != nil:
		// Redis or the key may come back, and with it an answer that is paid for.
		return storage.Answer{}, false, err
	}
	if r.document.Unsettled == 0 {
		return storage.Answer{}, false, nil
	}
	result, err := Reconcile(ctx, r.p.DB, r.p.API, r.document.ID, time.Time{})
	if err != nil {
		r.warn(ctx, "usage log cannot be read about an earlier call", err)
		result.Left = r.document.Unsettled
	}
	if result.Left > 0 && r.p.HoldUnknown {
		return storage.Answer{}, false, errHeld
	}
	return storage.Answer{}, false, nil
}
