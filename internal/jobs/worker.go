package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"casflow/internal/storage"
)

// WorkerConfig is what a Worker is made of.
type WorkerConfig struct {
	Processor  ProcessorConfig
	Dispatcher DispatcherConfig // DB, Enqueuer, Logger and Steady are filled in
	Redis      redis.UniversalClient
	// Concurrency is how many tasks are in flight at once. A quarter as many
	// again are kept free for interactive ones, which so never wait behind bulk
	// documents that wait themselves.
	Concurrency int
	// CallTimeout is the longest a call of the API takes; a shutdown waits for
	// that and a little more.
	CallTimeout time.Duration
	// Heart is a connection of its own for the heartbeat, which must not wait behind
	// saves that hang; nil takes the processor's.
	Heart *storage.DB
	// Drain ends Run once no document is pending, queued or being worked on, and each
	// callback was tried at least once.
	Drain bool
	// Callbacks says how the end of documents is told; nil: it is not, by this worker.
	Callbacks *CallbackConfig
}

// Worker is one worker process: heartbeat, dispatcher and the servers that work
// on tasks.
type Worker struct {
	config     WorkerConfig
	processor  *Processor
	dispatcher *Dispatcher
	heart      *heart
	balance    *balance
	servers    []taskServer
}

// taskServer works on the tasks of some queues.
type taskServer struct {
	*asynq.Server
	handler asynq.Handler
}

// firstRound is how long the servers wait for what the dispatcher finds first.
const firstRound = time.Second

// shutdownMargin is what a shutdown leaves beyond the longest call for saving.
const shutdownMargin = 30 * time.Second

// idleInterval is how often a draining worker looks whether all is done.
const idleInterval = 200 * time.Millisecond

// NewWorker returns a Worker.
func NewWorker(config WorkerConfig) *Worker {
	w := &Worker{config: config, processor: NewProcessor(config.Processor)}
	d := config.Dispatcher
	d.DB, d.Enqueuer, d.Logger = config.Processor.DB, config.Processor.Enqueuer, config.Processor.Logger
	d.CallTimeout, d.Metrics = config.CallTimeout, config.Processor.Metrics
	heartDB := config.Heart
	if heartDB == nil {
		heartDB = d.DB
	}
	w.heart = newHeart(heartDB, config.Processor.WorkerID, d.Lease, d.Logger)
	w.heart.sweep = w.processor.sweep
	d.Steady = w.heart.steady
	d.Callbacks = config.Callbacks != nil
	w.dispatcher = NewDispatcher(d)
	w.balance = &balance{
		db: d.DB, api: d.API, limiter: config.Processor.Limiter, metrics: config.Processor.Metrics, logger: d.Logger, leads: w.dispatcher.Leads,
	}

	reserve, limit := max(1, config.Concurrency/4), config.CallTimeout+shutdownMargin
	w.servers = []taskServer{
		{w.server(config.Concurrency, limit, map[string]int{storage.QueueInteractive: 2, storage.QueueBulk: 1}), w.processor},
		{w.server(reserve, limit, map[string]int{storage.QueueInteractive: 1}), w.processor},
	}
	if config.Callbacks != nil {
		handler := newCallbacks(*config.Callbacks, d.DB, config.Processor.Metrics, d.Logger)
		w.servers = append(w.servers, taskServer{w.server(callbackConcurrency, callbackShutdown, map[string]int{QueueCallbacks: 1}), handler})
	}
	return w
}

// server makes a server of queues, which at a shutdown leaves the tasks under way
// as long as limit.
func (w *Worker) server(concurrency int, limit time.Duration, queues map[string]int) *asynq.Server {
	logger := w.config.Processor.Logger
	return asynq.NewServerFromRedisClient(w.config.Redis, asynq.Config{
		Concurrency: concurrency,
		Queues:      queues, StrictPriority: true,
		// asynq counts in whole seconds; its own 5 s would make each retry wait so long.
		DelayedTaskCheckInterval: 500 * time.Millisecond,
		TaskCheckInterval:        100 * time.Millisecond,
		ShutdownTimeout:          limit,
		RetryDelayFunc:           retryDelay,
		IsFailure:                isFailure,
		Logger:                   asynqLogger{logger},
		LogLevel:                 asynq.WarnLevel,
	})
}

// retryDelay is the delay that ProcessTask asked for. Errors of asynq's own
// (a lease that expired, a deadline) are left to the dispatcher: it re-enqueues
// what nobody works on, under a new task id.
func retryDelay(_ int, err error, _ *asynq.Task) time.Duration {
	if later, ok := errors.AsType[*taskError](err); ok {
		return later.delay
	}
	return strayWait
}

// strayWait is when a task is delivered again whose end asynq could not note. Its
// document may long be finished: then there is nothing to do.
const strayWait = 5 * time.Second

// isFailure tells asynq's statistics apart: waiting is no failure.
func isFailure(err error) bool {
	var later *taskError
	return !errors.As(err, &later) || later.counted
}

// Run works until ctx ends, or, with Drain, until nothing is left to do. Then it
// takes no more tasks, lets documents that wait go back to pending, and finishes
// and saves the calls under way before it returns. It returns an error when it
// could not start.
func (w *Worker) Run(ctx context.Context) error {
	if err := w.heart.beat(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // told to stop before it had begun
		}
		return err
	}
	// What beats and dispatches outlives ctx: calls under way are still ours.
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	dispatching, stopDispatching := context.WithCancel(ctx)
	defer stopDispatching()

	var group sync.WaitGroup
	group.Go(func() { w.heart.run(life) })
	group.Go(func() { w.balance.run(dispatching) })
	group.Go(func() { w.dispatcher.Run(dispatching) })
	// A server that finds its queue empty looks again a while later, so what waits is
	// queued first.
	select {
	case <-w.dispatcher.begun:
	case <-time.After(firstRound):
	case <-ctx.Done():
	}
	started := 0
	var failure error
	for _, server := range w.servers {
		if failure = server.Start(server.handler); failure != nil {
			failure = fmt.Errorf("start worker on Redis: %w", failure)
			break
		}
		started++
	}
	if failure == nil {
		w.wait(ctx)
	}

	w.config.Processor.Logger.InfoContext(ctx, "worker stops: no new calls, those under way are finished")
	stopDispatching()
	for _, server := range w.servers[:started] {
		server.Stop() // take no more tasks, on all before waiting for one
	}
	w.processor.Drain()
	var stopping sync.WaitGroup
	for _, server := range w.servers[:started] {
		stopping.Go(server.Shutdown)
	}
	stopping.Wait()
	w.config.Processor.Poison.rest() //nolint:contextcheck // it has a limit of its own
	end()
	group.Wait()
	return errors.Join(failure, w.heart.stop(context.WithoutCancel(ctx)))
}

// wait returns when the worker is to stop.
func (w *Worker) wait(ctx context.Context) {
	for ctx.Err() == nil {
		pause(ctx, idleInterval)
		if !w.config.Drain {
			<-ctx.Done()
			return
		}
		idle, err := w.idle(ctx)
		if err != nil && ctx.Err() == nil {
			w.config.Processor.Logger.WarnContext(ctx, "cannot tell whether all is done, asking on", slog.Any("err", err))
			pause(ctx, standbyInterval)
		}
		if idle {
			return
		}
	}
}

// idle reports whether nothing is left to do.
func (w *Worker) idle(ctx context.Context) (bool, error) {
	db := w.config.Processor.DB
	idle, err := db.Idle(ctx)
	if !idle || err != nil || w.config.Callbacks == nil {
		return idle, err
	}
	open, err := db.OpenCallbacks(ctx) // asked last: what ends a document opens one
	return open.Untried == 0, err
}

// asynqLogger passes asynq's own log lines on. They are formatted by asynq, so
// the text is an attribute and the message constant.
type asynqLogger struct{ logger *slog.Logger }

func (l asynqLogger) log(level slog.Level, args []any) {
	l.logger.LogAttrs(context.Background(), level, "asynq", slog.String("text", fmt.Sprint(args...)))
}

func (l asynqLogger) Debug(args ...any) { l.log(slog.LevelDebug, args) }
func (l asynqLogger) Info(args ...any)  { l.log(slog.LevelInfo, args) }
func (l asynqLogger) Warn(args ...any)  { l.log(slog.LevelWarn, args) }
func (l asynqLogger) Error(args ...any) { l.log(slog.LevelError, args) }

func (l asynqLogger) Fatal(args ...any) {
	l.log(slog.LevelError, args)
	os.Exit(1)
}
