package enqueuercli_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// instants counts the moments in which something was put back.
func (g graveyard) instants(t *testing.T) string {
	t.Helper()
	return storagetest.Rows(t, g.url, "SELECT count(DISTINCT redriven_at) FROM cas.dead_letters")[0][0]
}

func TestRedrive_Rate(t *testing.T) {
	t.Parallel()
	g := setupGraveyard(t)
	got := g.redrive(t, "--all", "--rate", "1200").wantDone(t) // two in a tenth of a second
	if want := "3 documents put back; running workers take them up\n"; got != want {
		t.Errorf("redrive tells %q, want %q", got, want)
	}
	if got := g.instants(t); got != "2" {
		t.Errorf("put back in %s chunks, want 2", got)
	}
	if diff := cmp.Diff(texts(g.task), g.list(t)); diff != "" {
		t.Errorf("dead letters afterwards (-want +got):\n%s", diff)
	}

	// What has been chosen stays chosen: by its age, and up to the limit.
	g.kill(t, g.ids[0], storage.ReasonCrashed)
	g.kill(t, g.ids[1], storage.ReasonCrashed)
	if got := g.redrive(t, "--newer-than", "1h", "--limit", "1", "--rate", "6000").wantDone(t); got[0] != '1' {
		t.Errorf("redrive tells %q, want 1 document", got)
	}
	if diff := cmp.Diff(texts(g.task, g.ids[1]), g.list(t)); diff != "" {
		t.Errorf("dead letters after the limit (-want +got):\n%s", diff)
	}
	if got := g.redrive(t, "--reason", "too_large", "--rate", "1").wantDone(t); got[0] != '0' {
		t.Errorf("redrive of nothing tells %q", got)
	}
}

// A redrive that is interrupted says how far it came, and another one goes on
// from there.
func TestRedrive_Interrupted(t *testing.T) {
	t.Parallel()
	g := setupGraveyard(t)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	ended := make(chan result, 1)
	go func() { // the second one's turn comes in a minute
		ended <- runUntil(ctx, t, slices.Concat([]string{"dead", "redrive", "--all", "--rate", "1"}, g.settings())...)
	}()
	for g.instants(t) == "0" {
		if len(ended) > 0 {
			break
		}
	}
	interrupt()
	r := <-ended
	r.wantFaults(t, 130, "context canceled; 1 document put back so far, redrive again to go on")
	if diff := cmp.Diff(texts(g.task, g.ids[1], g.ids[2]), g.list(t)); diff != "" {
		t.Errorf("dead letters after the interruption (-want +got):\n%s", diff)
	}
	if got := g.redrive(t, "--all").wantDone(t); got[0] != '2' {
		t.Errorf("the next redrive tells %q, want 2 documents", got)
	}
}
