package storage

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// groups do in one go what is asked for documents that are in flight at once: who comes
// while a group is under way goes with the next one, together with all others who have
// come meanwhile. Nobody waits for company, and a group waits for no document that
// somebody else holds. What it leaves out, because there is something about it, or
// because the group failed, is to be done alone.
type groups[T grouped] struct {
	// send does what a group asks for, as far as it can, and tells its members so.
	send func(ctx context.Context, group []T)
	// most is what the members of a group may weigh; 0 is whatever they do.
	most int
	// atOnce is how many groups are under way at once at most; 0 is one.
	atOnce  int
	mu      sync.Mutex
	waiting []T
	running int
}

// grouped is what may be done in a group.
type grouped interface {
	member() *membership
	weight() int
}

// membership is embedded in what may be done in a group.
type membership struct {
	ctx  context.Context //nolint:containedctx // of one question, as long as it waits
	done chan struct{}   // closed once the group has ended
	went bool            // it went with the group: what was asked for is done
}

func (m *membership) member() *membership { return m }

// groupLimit is how long a group may take before its members are asked for alone, over
// other connections: one that is dead without anybody knowing must not hold up all.
const groupLimit = 5 * time.Second

// ask has one go with a group and reports whether what it asks for is done.
func (g *groups[T]) ask(ctx context.Context, asked T) bool {
	m := asked.member()
	m.ctx, m.done = ctx, make(chan struct{})
	g.mu.Lock()
	g.waiting = append(g.waiting, asked)
	if g.due() {
		g.running++
		go g.run() //nolint:contextcheck // a group ends with the last of its members
	}
	g.mu.Unlock()
	select {
	case <-m.done:
		return m.went
	case <-ctx.Done():
		return false
	}
}

// due reports whether those who wait are to go, besides the groups that are under way.
func (g *groups[T]) due() bool {
	return len(g.waiting) > 0 && (g.running == 0 || g.running < g.atOnce && len(g.waiting) >= enough)
}

// enough is how many must wait for another group to go beside one that is under way.
const enough = 8

// run does groups until nobody waits.
func (g *groups[T]) run() {
	for group := g.next(); len(group) > 0; group = g.next() {
		ctx, cancel := context.WithTimeout(context.Background(), groupLimit)
		var gone atomic.Int32
		stops := make([]func() bool, len(group))
		for i, asked := range group {
			stops[i] = context.AfterFunc(asked.member().ctx, func() {
				if int(gone.Add(1)) == len(group) {
					cancel()
				}
			})
		}
		g.send(ctx, group)
		for i, asked := range group {
			stops[i]()
			close(asked.member().done)
		}
		cancel()
	}
}

// next takes those who wait, as many as make a group.
func (g *groups[T]) next() []T {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running--; !g.due() {
		return nil
	}
	g.running++
	n, weight := 0, 0
	for n < len(g.waiting) {
		weight += g.waiting[n].weight()
		if g.most > 0 && weight > g.most && n > 0 {
			break
		}
		n++
	}
	group := slices.Clone(g.waiting[:n])
	clear(g.waiting[:n]) // who has gone is not held on to
	if g.waiting = g.waiting[n:]; len(g.waiting) == 0 {
		g.waiting = nil
	}
	return group
}

// ofGroups is for so many connections of their own, for groups alone, which are made when
// there is a first one. Their statements are planned once, for however many documents, and
// so that each is looked up by its key, even where the tables are still so small that
// reading them would be faster: the plan is kept while they grow. A group that comes by
// what somebody else holds fails before its members have waited for long, and one whose
// process stands still, or cannot be reached, lets go of all that it holds.
func ofGroups(config *pgxpool.Config, connections int32) *pgxpool.Config {
	config, connected := config.Copy(), config.AfterConnect
	config.MaxConns, config.MinConns, config.MinIdleConns = connections, 0, 0
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		if err := connected(ctx, conn); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, `SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;
SET lock_timeout = '100ms'; SET idle_in_transaction_session_timeout = '5s'; `+keepaliveSQL)
		return err //nolint:wrapcheck // pgxpool wraps it
	}
	return config
}
