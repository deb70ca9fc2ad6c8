package main

import (
	"testing"
	"time"

	"casflow/internal/devstack"
)

// newLargeDocuments makes n documents of largePDF bytes, which the API thinks about
// for so long each.
func newLargeDocuments(tb testing.TB, n int, thinks time.Duration) *devstack.LargeDocuments {
	tb.Helper()
	d, err := devstack.StartLargeDocuments(tb.Context(), n, largePDF, thinks)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := d.Stop(); err != nil {
			tb.Error(err)
		}
	})
	return d
}
