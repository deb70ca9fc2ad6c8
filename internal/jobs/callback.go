package jobs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/hibiken/asynq"

	"casflow/internal/redact"
	"casflow/internal/storage"
)

// CallbackConfig says how the end of documents is told to who asked for it.
type CallbackConfig struct {
	Policy  CallbackPolicy
	Secrets [][]byte // that sign; the first is the newest
	PAN     bool     // tell the statement's PAN too
	// MaxAttempts is how often a callback is tried before it is given up; 0 is 15,
	// which with the default Backoff takes about a day.
	MaxAttempts int
	// Backoff is how long it waits between tries; zero is 10 s, doubled up to 6 h.
	Backoff Backoff
}

// callbackTimeout bounds one attempt: whoever is told is to note it and work on it
// later.
const callbackTimeout = 15 * time.Second

// Callbacks tells the end of documents to who asked for it. The ledger holds what
// is to be told and how often it was tried; a task is one attempt. It is safe for
// concurrent use.
type Callbacks struct {
	CallbackConfig
	db      *storage.DB
	client  *http.Client
	metrics *callbackMetrics
	logger  *slog.Logger
}

func newCallbacks(config CallbackConfig, db *storage.DB, metrics *Metrics, logger *slog.Logger) *Callbacks {
	if config.MaxAttempts == 0 {
		config.MaxAttempts = 15
	}
	if config.Backoff.Max == 0 {
		config.Backoff = Backoff{Base: 10 * time.Second, Max: 6 * time.Hour}
	}
	dialer := &net.Dialer{Timeout: callbackTimeout, Control: config.Policy.control}
	return &Callbacks{
		CallbackConfig: config, db: db, metrics: &metrics.callbacks, logger: logger,
		client: &http.Client{
			Timeout: callbackTimeout,
			Transport: &http.Transport{ // no proxy: it would look names up itself
				DialContext: dialer.DialContext, TLSHandshakeTimeout: callbackTimeout,
				MaxIdleConnsPerHost: callbackConcurrency, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10,
			},
			// Where a redirect leads was not asked for.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// ProcessTask implements asynq.Handler: it makes one attempt to tell a callback,
// and notes how that went. Retries are tasks of their own, which the dispatcher
// makes when they are due; so an error is one of the ledger alone.
func (c *Callbacks) ProcessTask(ctx context.Context, task *asynq.Task) error {
	id, err := decodeCallback(task.Payload())
	if err != nil {
		c.logger.ErrorContext(ctx, "bad task", slog.Any("err", err))
		return fmt.Errorf("bad_task: %w", asynq.SkipRetry)
	}
	callback, err := c.db.Callback(ctx, id)
	switch {
	case errors.Is(err, storage.ErrFinished):
		return nil // a redelivery
	case errors.Is(err, storage.ErrNotFound):
		return c.end(ctx, storage.CallbackEnd{ID: id, State: storage.CallbackGivenUp, Message: "the document is gone"})
	case err != nil:
		return retryIn(c.Backoff.Base, false, "ledger cannot be asked")
	}
	began := time.Now()
	status, err := c.tell(ctx, callback)
	end := c.judge(callback, status, err)
	took := time.Since(began)
	c.metrics.duration.Observe(took.Seconds())
	c.report(ctx, callback, end, took, err)
	return c.end(ctx, end)
}

// end notes how a callback stands: what was told was told, even if the worker is
// told to stop meanwhile.
func (c *Callbacks) end(ctx context.Context, end storage.CallbackEnd) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeLimit)
	defer cancel()
	if err := c.db.EndCallback(ctx, end); err != nil {
		return retryIn(c.Backoff.Base, false, "ledger cannot be written")
	}
	return nil
}

// tell makes the request. The error, nil only where the other side has taken it,
// does not hold its address: that may hold a token.
func (c *Callbacks) tell(ctx context.Context, callback storage.Callback) (status int, err error) {
	if err := c.Policy.Check(callback.URL); err != nil {
		return 0, fmt.Errorf("callback_url %w", err)
	}
	body, err := callbackBody(callback, c.PAN)
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, callback.URL, bytes.NewReader(body))
	if err != nil {
		return 0, errors.New("callback_url cannot be called")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "casflow")
	sign(request.Header, callback.ID.String(), time.Now(), body, c.Secrets)
	response, err := c.client.Do(request)
	if err != nil {
		if at, ok := errors.AsType[*url.Error](err); ok {
			err = at.Err
		}
		return 0, err // without what quotes the address
	}
	_ = response.Body.Close() // nobody reads it
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return response.StatusCode, fmt.Errorf("answered with %d", response.StatusCode)
	}
	return response.StatusCode, nil
}

// judge decides what becomes of a callback after an attempt.
func (c *Callbacks) judge(callback storage.Callback, status int, err error) storage.CallbackEnd {
	end := storage.CallbackEnd{ID: callback.ID, HTTPStatus: status}
	tries := callback.Attempts + 1
	switch {
	case err == nil:
		end.State = storage.CallbackDelivered
		return end
	case status == http.StatusGone, tries >= c.MaxAttempts: // gone: it asks not to be told any more
		end.State = storage.CallbackGivenUp
	default:
		end.State = storage.CallbackPending
		// At least half of it, so that a day of attempts takes about a day.
		half := Backoff{Base: c.Backoff.Base / 2, Max: c.Backoff.Max / 2, Jitter: func(n int64) int64 { return n - 1 }}.Delay(tries)
		end.RetryIn = half + Backoff{Base: half, Max: half, Jitter: c.Backoff.Jitter}.Delay(1)
	}
	end.Message = redact.PANs(err.Error())
	return end
}

// report says in one line how an attempt went, and counts it.
func (c *Callbacks) report(ctx context.Context, callback storage.Callback, end storage.CallbackEnd, took time.Duration, err error) {
	outcome, level, message := outcomeDelivered, slog.LevelInfo, "callback delivered"
	switch end.State {
	case storage.CallbackPending:
		outcome, level, message = outcomeRetry, slog.LevelWarn, "callback is tried again"
	case storage.CallbackGivenUp:
		outcome, level, message = outcomeGivenUp, slog.LevelError, "callback is given up"
	default:
	}
	c.metrics.attempts.WithLabelValues(outcome).Inc()
	attrs := []slog.Attr{
		slog.String("document_id", callback.DocumentID.String()), slog.Int("attempts", callback.Attempts+1),
		slog.Int("status_code", end.HTTPStatus), slog.Duration("duration", took),
	}
	if u, parseErr := url.Parse(callback.URL); parseErr == nil {
		attrs = append(attrs, slog.String("host", u.Hostname())) // no more of it: the rest may hold a token
	}
	if end.RetryIn > 0 {
		attrs = append(attrs, slog.Duration("retry_in", end.RetryIn))
	}
	if err != nil {
		attrs = append(attrs, slog.Any("err", err))
	}
	c.logger.LogAttrs(ctx, level, message, attrs...) //nolint:sloglint // one of three constants
}
