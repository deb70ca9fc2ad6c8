package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// awaitLog waits until the programs have logged a text.
func (p *pipeline) awaitLog(text string) {
	p.t.Helper()
	p.await("log: "+text, func() bool { return strings.Contains(p.logged(), text) })
}

// awaitAddress waits until a program has logged that it serves something, API or
// metrics, and returns the address.
func (p *pipeline) awaitAddress(what string) string {
	p.t.Helper()
	expression, address := regexp.MustCompile(`"msg":"`+what+` (?:is|are) served","addr":"([^"]+)"`), ""
	p.await(what+" served", func() bool {
		if found := expression.FindStringSubmatch(p.logged()); found != nil {
			address = found[1]
		}
		return address != ""
	})
	return address
}

// await waits until what cannot tell by itself has happened.
func (p *pipeline) await(what string, happened func() bool) {
	p.t.Helper()
	if !awaited(p.t, happened) {
		p.t.Errorf("never came: %s", what)
		p.t.Fatal(p.standing())
	}
}

func await(tb testing.TB, what string, happened func() bool) {
	tb.Helper()
	if !awaited(tb, happened) {
		tb.Fatalf("never came: %s", what)
	}
}

// hopeless is when what has not come will not: it is many times what anything takes
// here, and ends a test that hangs with words of its own, before all tests are ended.
func hopeless() time.Duration { return size(5*time.Minute, 20*time.Minute) }

func awaited(tb testing.TB, happened func() bool) bool {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), hopeless())
	defer cancel()
	// Less and less often: a question to Postgres costs a connection.
	for pause := 5 * time.Millisecond; !happened(); pause = min(pause*5/4, 150*time.Millisecond) {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// standing is what is known of a pipeline that does not get on.
func (p *pipeline) standing() string {
	p.t.Helper()
	log := strings.Split(strings.TrimSpace(p.logged()), "\n")
	return fmt.Sprintf("documents: %s; calls: %+v; limiter: %+v; the last of the log:\n%s",
		p.counts(), p.api.Totals(), p.limiter(), strings.Join(log[max(0, len(log)-15):], "\n"))
}
