package jobs

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"casflow/internal/storage"
)

// DispatcherConfig is what a Dispatcher works with.
type DispatcherConfig struct {
	DB       *storage.DB
	Enqueuer *Enqueuer
	Logger   *slog.Logger
	Window   int            // documents kept under way per queue
	Budget   storage.Budget // what the fleet may spend in a day: what is beyond it waits in the ledger
	Every    time.Duration  // between looks at the backlog; 0 is 250 ms
	// Lease is how long a worker may not be seen before what it claimed is freed.
	Lease time.Duration
	// CallTimeout is how long a call may take: what a dead worker has called for
	// rests so long before it is called for again.
	CallTimeout time.Duration
	// API is asked how the account is, and ProbeInterval is the first wait between
	// two questions; 0 is a minute.
	API           credits
	ProbeInterval time.Duration
	// Retention is how long raw answers are kept; 0 is for ever.
	Retention time.Duration
	// Poison tells what dead workers were reading.
	Poison *Poison
	// Callbacks hands out what is to be told of documents that ended.
	Callbacks bool
	// Steady reports whether this process' own heartbeat has reached the ledger
	// without a gap for a whole lease. After an outage of Postgres nobody has:
	// then nobody is taken for dead.
	Steady func() bool
	// Metrics count what becomes dead here; nil counts nothing.
	Metrics *Metrics
}

// Dispatcher keeps a small window of tasks in Redis: it moves pending documents
// to the queue, interactive ones ahead of bulk, oldest first, and finds those
// whose task or worker has vanished. One process of the fleet leads, the others
// stand by.
type Dispatcher struct {
	DispatcherConfig
	leads atomic.Bool
	begun chan struct{} // closed once it has looked at the backlog, or found that it cannot, or need not
	once  sync.Once
}

// Dispatcher intervals.
const (
	standbyInterval = 2 * time.Second  // between attempts to become the leader
	staleInterval   = 10 * time.Second // between looks for vanished tasks
	staleAge        = 20 * time.Second // how long a queued document may go without a worker
	tendInterval    = time.Second      // between looks at the account
	forgetInterval  = time.Minute      // between looks for answers that are kept for too long
	forgetChunk     = 500              // answers that are forgotten at once, so that nobody waits for it
	countInterval   = 5 * time.Second  // between additions of what has changed about the counts
)

// NewDispatcher returns a Dispatcher.
func NewDispatcher(config DispatcherConfig) *Dispatcher {
	if config.ProbeInterval == 0 {
		config.ProbeInterval = time.Minute
	}
	if config.Every == 0 {
		config.Every = 250 * time.Millisecond
	}
	return &Dispatcher{DispatcherConfig: config, begun: make(chan struct{})}
}

// Leads reports whether this process is the leader.
func (d *Dispatcher) Leads() bool { return d.leads.Load() }

func (d *Dispatcher) setLeads(leads bool) {
	d.leads.Store(leads)
	d.Metrics.leads(leads)
}

// Run dispatches, or stands by, until ctx ends.
func (d *Dispatcher) Run(ctx context.Context) {
	backoff := Backoff{Base: d.Every, Max: 5 * time.Second}
	failures := 0
	for ctx.Err() == nil {
		err := d.lead(ctx)
		d.once.Do(func() { close(d.begun) })
		wait := standbyInterval
		if err != nil && ctx.Err() == nil {
			failures++
			wait = backoff.Delay(failures)
			// The first failure and every tenth: a fleet that waits for an outage
			// to end need not fill the disk with it.
			if failures%10 == 1 {
				d.Logger.ErrorContext(ctx, "dispatcher cannot work, trying on", slog.Int("failures", failures), slog.Any("err", err))
			}
		} else {
			failures = 0
		}
		pause(ctx, wait)
	}
}

// lead becomes the leader and works as such until something fails. It returns
// nil at once when another process leads.
func (d *Dispatcher) lead(ctx context.Context) error {
	leader, err := d.DB.Lead(ctx)
	if leader == nil {
		return err
	}
	defer leader.Resign() //nolint:contextcheck // resigning must work when ctx has ended
	d.setLeads(true)
	defer d.setLeads(false)
	d.Logger.InfoContext(ctx, "dispatcher leads")

	at := rounds{
		stale: newEvery(staleInterval), reclaim: newEvery(d.Lease / 4), tend: newEvery(tendInterval), forget: newEvery(forgetInterval),
		callbacks: newEvery(callbackInterval), count: newEvery(countInterval),
	}
	for ctx.Err() == nil {
		if err := d.work(ctx, leader, at); err != nil {
			return err
		}
		d.once.Do(func() { close(d.begun) })
		// At once, but not without a break, for documents that are recorded meanwhile.
		pause(ctx, d.Every/wakes)
		if err := leader.Await(ctx, d.Every-d.Every/wakes); err != nil {
			return err
		}
	}
	return nil
}

// wakes is how many looks at the backlog there may be, as documents come, in the time in
// which there is one in any case.
const wakes = 5

// roundLimit bounds one round of the leader's work: whatever hangs, the lead is
// given up then, and another process may have more luck.
const roundLimit = time.Minute

// rounds tell when each of the leader's rarer duties is due.
type rounds struct{ stale, reclaim, tend, forget, callbacks, count *every }

func (d *Dispatcher) work(ctx context.Context, leader *storage.Leader, at rounds) error {
	ctx, cancel := context.WithTimeout(ctx, roundLimit)
	defer cancel()
	work := []error{d.dispatch(ctx, leader)}
	if at.tend.due() {
		work = append(work, d.tend(ctx), leader.ShowBudget(ctx, d.Budget))
	}
	if at.stale.due() {
		work = append(work, d.revive(ctx, leader))
	}
	if at.reclaim.due() && d.Steady() {
		work = append(work, d.reclaim(ctx, leader))
	}
	if d.Retention > 0 && at.forget.due() {
		work = append(work, d.forget(ctx))
	}
	if d.Callbacks && at.callbacks.due() {
		work = append(work, d.feedCallbacks(ctx, leader))
	}
	if at.count.due() {
		work = append(work, leader.AddUpCounts(ctx))
	}
	return errors.Join(work...)
}

func (d *Dispatcher) dispatch(ctx context.Context, leader *storage.Leader) error {
	for _, queue := range []string{storage.QueueInteractive, storage.QueueBulk} {
		deliveries, err := leader.Dispatch(ctx, queue, d.Window, d.Budget)
		if err != nil {
			return err
		}
		if err := d.Enqueuer.deliver(ctx, deliveries); err != nil {
			return err
		}
	}
	return nil
}

// revive renews the tasks of documents that have been queued for long.
func (d *Dispatcher) revive(ctx context.Context, leader *storage.Leader) error {
	stale, err := leader.Stale(ctx, staleAge)
	if err != nil || len(stale) == 0 {
		return err
	}
	return d.Enqueuer.revive(ctx, stale)
}

// reclaim frees what dead workers have claimed.
func (d *Dispatcher) reclaim(ctx context.Context, leader *storage.Leader) error {
	lost, err := leader.Reclaim(ctx, d.Lease, d.CallTimeout)
	if err != nil || len(lost) == 0 {
		return err
	}
	d.Logger.WarnContext(ctx, "documents of a vanished worker are pending again", slog.Int("documents", len(lost)))
	suspects, err := d.Poison.suspects(ctx, lost)
	if err != nil || len(suspects) == 0 {
		return err // without Redis nobody is suspected, which costs a crash more
	}
	dead, err := leader.Crashed(ctx, suspects)
	d.Metrics.died(storage.ReasonCrashed, len(dead))
	for _, id := range dead {
		d.Logger.ErrorContext(ctx, "document is dead", slog.String("document_id", id.String()), slog.String("reason", string(storage.ReasonCrashed)))
	}
	return err
}

// forget empties raw answers that are older than they are to be kept.
func (d *Dispatcher) forget(ctx context.Context) error {
	total := 0
	for {
		n, err := d.DB.ForgetAnswers(ctx, d.Retention, forgetChunk)
		total += n
		if err == nil && n == forgetChunk {
			continue
		}
		if total > 0 {
			d.Logger.InfoContext(ctx, "raw answers are forgotten", slog.Int("documents", total))
		}
		return err
	}
}
