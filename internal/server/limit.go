package server

import (
	"context"
	"net/http"
	"time"

	"golang.org/x/time/rate"
)

// limits keep one service from taking what all need.
type limits struct {
	rates map[string]*rate.Limiter // by service; nil: no limit
	heavy chan struct{}            // a place for each upload or batch that is received
}

// newLimits gives each service so many requests a second, twice as many at once, and
// all of them together so many uploads and batches at a time.
func newLimits(services []Service, perSecond, heavy int) *limits {
	l := &limits{heavy: make(chan struct{}, heavy)}
	if perSecond > 0 {
		l.rates = make(map[string]*rate.Limiter)
		for _, s := range services {
			l.rates[s.Name] = rate.NewLimiter(rate.Limit(perSecond), 2*perSecond)
		}
	}
	return l
}

// admit counts a request of a service, or says when it may come again.
func (l *limits) admit(service string) error {
	limiter := l.rates[service]
	if limiter == nil || limiter.Allow() {
		return nil
	}
	reservation := limiter.Reserve()
	defer reservation.Cancel()
	p := newProblem(http.StatusTooManyRequests, "more requests than this service may make")
	p.RetryAfter = max(reservation.Delay(), time.Millisecond)
	return p
}

// heavyWait is how long an upload waits for a place before it is refused.
const heavyWait = time.Second

// enter takes a place for an upload or a batch; leave gives it back.
func (l *limits) enter(ctx context.Context) (leave func(), err error) {
	timer := time.NewTimer(heavyWait)
	defer timer.Stop()
	select {
	case l.heavy <- struct{}{}:
		return func() { <-l.heavy }, nil
	case <-timer.C:
	case <-ctx.Done():
	}
	p := newProblem(http.StatusServiceUnavailable, "too many uploads and batches at once")
	p.RetryAfter = comeAgain
	return nil, p
}
