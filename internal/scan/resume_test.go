package scan_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/scan"
	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

var errCut = errors.New("cut short")

// A scan that is cut short, over and over, at any place, goes on where it was: each
// object is listed and recorded once.
func TestRun_Resumed(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string][]string{"flat": flat(1000), "folders": shapes()["folders"]} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, url := storagetest.NewURL(t)
			random := rand.New(rand.NewPCG(3, uint64(len(keys))))
			b := newBucket(10, keys...)
			o := options()
			var sum storage.ScanCounts
			for cuts := 0; ; cuts++ {
				most := b.pages.Load() + 3 + random.Int64N(25)
				b.before = func(_ context.Context, n int64, _ string, _ bool) error {
					if n > most {
						return errCut
					}
					return nil
				}
				got, err := scan.Run(t.Context(), db, b, o)
				// What was on its way to the ledger when the scan was cut short may be there, and
				// may not: nobody heard.
				if got.Resumed != (cuts > 0) || got.Before.Listed < sum.Listed {
					t.Fatalf("run %d: resumed %t after %+v, want %t after %+v", cuts, got.Resumed, got.Before, cuts > 0, sum)
				}
				sum = got.Before
				sum.Add(got.ScanCounts)
				if err == nil {
					if cuts < 3 {
						t.Errorf("cut short %d times, want several", cuts)
					}
					break
				}
				if !errors.Is(err, errCut) {
					t.Fatal(err)
				}
			}
			n := len(b.keys)
			if want := (storage.ScanCounts{Listed: n, New: n, Bare: n}); sum != want {
				t.Errorf("all runs together: %+v, want %+v", sum, want)
			}
			if diff := cmp.Diff(b.keys, recorded(t, url)); diff != "" {
				t.Errorf("recorded (-want +got):\n%s", diff)
			}
			want := [][]string{{fmt.Sprint(n), "0", "0", fmt.Sprint(n), fmt.Sprint(n), "t"}}
			rows := storagetest.Rows(t, url, `SELECT listed, left_out, known, recorded, bare, finished_at IS NOT NULL FROM cas.scans`)
			if diff := cmp.Diff(want, rows); diff != "" {
				t.Errorf("scans (-want +got):\n%s", diff)
			}
			if rows := storagetest.Rows(t, url, `SELECT range_no FROM cas.scan_ranges`); len(rows) != 0 {
				t.Errorf("%d ranges are left", len(rows))
			}
		})
	}
}

// begun leaves a scan that was cut short.
func begun(t *testing.T, db *storage.DB, b *bucket, o scan.Options) {
	t.Helper()
	b.before = func(_ context.Context, n int64, _ string, _ bool) error {
		if n > 3 {
			return errCut
		}
		return nil
	}
	if _, err := scan.Run(t.Context(), db, b, o); !errors.Is(err, errCut) {
		t.Fatalf("got %v, want it cut short", err)
	}
	b.before = nil
}

func TestRun_NotResumed(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*scan.Options){
		"asked for":      func(o *scan.Options) { o.Resume = 0 },
		"another batch":  func(o *scan.Options) { o.Batch = "june" },
		"another kind":   func(o *scan.Options) { o.Kind = storage.KindNSDL },
		"another suffix": func(o *scan.Options) { o.Suffix = "" },
		"another age":    func(o *scan.Options) { o.SinceText = "36h" },
		"another prefix": func(o *scan.Options) { o.Prefix = "in/s" },
		"dry run":        func(o *scan.Options) { o.DryRun = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := storagetest.New(t)
			b, o := newBucket(10, flat(100)...), options()
			begun(t, db, b, o)
			change(&o)
			if got := run(t, db, b, o); got.Resumed || got.Listed != 100 {
				t.Errorf("resumed %t, %d listed, want all anew", got.Resumed, got.Listed)
			}
		})
	}
}

// An age means the same instant when the scan goes on.
func TestRun_ResumedSince(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	b, o := newBucket(10, flat(100)...), options()
	o.Since, o.SinceText = time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC), "36h"
	begun(t, db, b, o)
	o.Since = o.Since.AddDate(1, 0, 0)
	if got := run(t, db, b, o); !got.Resumed || got.LeftOut != 0 || got.Before.New+got.New != 100 {
		t.Errorf("got %+v, want none left out", got)
	}
}

func TestRun_ResumedLimit(t *testing.T) {
	t.Parallel()
	db, url := storagetest.NewURL(t)
	b, o := newBucket(10, flat(100)...), options()
	o.Limit = 45
	begun(t, db, b, o)
	got := run(t, db, b, o)
	if got.Before.New != 30 || got.New != 15 || !got.Limited {
		t.Errorf("got %+v, want 30 and 15 recorded", got)
	}
	if diff := cmp.Diff(b.keys[:45], recorded(t, url)); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
	if got := run(t, db, b, o); got.Resumed || got.New != 45 || got.Known != 45 {
		t.Errorf("got %+v, want the next 45 of a new scan", got)
	}
}
