package devstack

import (
	"context"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// agingInterval is how often keys with a time to live are aged. The library can
// do it by itself, but then walks over all keys at every command.
const agingInterval = 100 * time.Millisecond

// StartMiniredis starts a Redis inside this process, on a free loopback port, for
// machines without redis-server. Its keys expire by the wall clock, to a tenth of
// a second. It lacks redis-server's speed, its INFO and parts of its commands.
func StartMiniredis(ctx context.Context) (*Redis, error) {
	server := &redisInProcess{}
	err := onFreePort(ctx, func(port int) error {
		server.address = loopback(port)
		return server.launch(ctx)
	})
	if err != nil {
		return nil, fmt.Errorf("start miniredis: %w", err)
	}
	return &Redis{URL: "redis://" + server.address + "/0", server: server}, nil
}

// redisInProcess is miniredis with a clock.
type redisInProcess struct {
	address string
	server  *miniredis.Miniredis
	quit    chan struct{} // closed to stop the aging
	aged    chan struct{} // closed when it has stopped
}

// launch starts an empty server: it loses its keys as redis-server does.
func (r *redisInProcess) launch(context.Context) error {
	server := miniredis.NewMiniRedis()
	if err := server.StartAddr(r.address); err != nil {
		return fmt.Errorf("%w: %w", errAddressInUse, err)
	}
	r.server, r.quit, r.aged = server, make(chan struct{}), make(chan struct{})
	go age(server, r.quit, r.aged)
	return nil
}

// age lets the server's clock follow the wall clock until quit is closed.
func age(server *miniredis.Miniredis, quit <-chan struct{}, aged chan<- struct{}) {
	defer close(aged)
	tick := time.NewTicker(agingInterval)
	defer tick.Stop()
	for last := time.Now(); ; {
		select {
		case <-quit:
			return
		case <-tick.C:
			now := time.Now()
			server.FastForward(now.Sub(last))
			last = now
		}
	}
}

func (r *redisInProcess) shutDown() error {
	if r.server == nil {
		return nil
	}
	close(r.quit)
	<-r.aged
	r.server.Close()
	r.server = nil
	return nil
}

func (r *redisInProcess) kill() error { return r.shutDown() }

func (r *redisInProcess) cleanUp() error { return nil }
