package scan_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/devstack"
	"casflow/internal/redact"
	"casflow/internal/scan"
	"casflow/internal/storage"
	"casflow/internal/storage/objectstore"
	"casflow/internal/storage/storagetest"
)

// shapes are key spaces as there are.
func shapes() map[string][]string {
	random := rand.New(rand.NewPCG(1, 2))
	folders, ids, uneven := make([]string, 0, 600), make([]string, 0, 600), make([]string, 0, 600)
	for n := range 600 {
		folders = append(folders, fmt.Sprintf("in/2026-%02d/client-%d/cas.pdf", n%12+1, n))
		ids = append(ids, fmt.Sprintf("in/%016x.pdf", random.Uint64()))
		uneven = append(uneven, "in/"+strings.Repeat("a", n%200)+fmt.Sprint(n)+".pdf")
	}
	return map[string][]string{
		"none": nil, "one": {"in/a.pdf"}, "flat": flat(600), "folders": folders, "ids": ids, "uneven": uneven,
		"other scripts": {"in/अ.pdf", "in/क.pdf", "in/ज.pdf", "in/é.pdf", "in/é", "in/\U0010FFFF.pdf", "in/\U0010FFFF\U0010FFFF.pdf", "in/z.pdf", "in/😀.pdf"},
		"nested names":  {"in/a", "in/a.pdf", "in/a.pdf.pdf", "in/a.pdf/", "in/aa", "in/aa.pdf", "in/b"},
	}
}

// Whatever the keys are, each is listed once, by any number of listers.
func TestRun_Shapes(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	for name, keys := range shapes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, page := range []int{1, 7, 1000} {
				for _, listers := range []int{1, 2, 9} {
					for _, sloppy := range []bool{false, true} {
						b := newBucket(page, append(slices.Clone(keys), "before.pdf", "om/after.pdf")...)
						b.sloppy = sloppy
						o := options()
						o.DryRun, o.Suffix, o.Listers = true, "", listers
						got := run(t, db, b, o)
						if want := len(b.keys) - 2; got.Listed != want || got.New+got.LeftOut != want { // "in/a.pdf/" is no folder: it is not empty
							t.Errorf("%d a page, %d listers, sloppy %t: %+v, want %d listed", page, listers, sloppy, got.ScanCounts, want)
						}
					}
				}
			}
		})
	}
}

// All listers are at work at once, although the keys differ only at their ends.
func TestRun_SideBySide(t *testing.T) {
	t.Parallel()
	const listers = 6
	b := newBucket(10, flat(2000)...)
	var mu sync.Mutex
	waiting, together := 0, make(chan struct{})
	b.before = func(ctx context.Context, _ int64, _ string, again bool) error {
		if !again { // the first page of a range tells where to cut it
			return nil
		}
		mu.Lock()
		if waiting++; waiting == listers {
			close(together)
		}
		mu.Unlock()
		select {
		case <-together:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	o := options()
	o.Listers = listers
	db, url := storagetest.NewURL(t)
	got := run(t, db, b, o)
	if want := (storage.ScanCounts{Listed: 2000, New: 2000, Bare: 2000}); got.ScanCounts != want {
		t.Errorf("got %+v, want %+v", got.ScanCounts, want)
	}
	if diff := cmp.Diff(b.keys, recorded(t, url)); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
	if probes, pages := b.probes.Load(), b.pages.Load(); probes > pages*2 {
		t.Errorf("%d questions where to cut for %d pages", probes, pages)
	}
}

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

// The next scan of the same begins anew, and finds what is new wherever it is.
func TestRun_Again(t *testing.T) {
	t.Parallel()
	db, url := storagetest.NewURL(t)
	var expected []int
	o := options()
	o.Progress = func(p scan.Progress) { expected = append(expected, p.Expected) }
	run(t, db, newBucket(10, flat(300)...), o)
	if slices.Max(expected) != 0 {
		t.Errorf("the first scan expects %d objects, but nobody knows", slices.Max(expected))
	}
	expected = nil
	b := newBucket(10, append(flat(300), "in/aaa.pdf", "in/statement-000150x.pdf", "in/zzz.pdf")...)
	o.Batch = "another" // the same source
	got := run(t, db, b, o)
	if want := (storage.ScanCounts{Listed: 303, Known: 300, New: 3, Bare: 3}); got.ScanCounts != want || got.Resumed {
		t.Errorf("got %+v, resumed %t, want %+v", got.ScanCounts, got.Resumed, want)
	}
	if diff := cmp.Diff(b.keys, recorded(t, url)); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
	if slices.Min(expected) != 300 {
		t.Errorf("the second scan expects %d objects, want the 300 of the first", slices.Min(expected))
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

// While a scan is under way, the same one cannot be begun.
func TestRun_AtOnce(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	b, o := newBucket(10, flat(100)...), options()
	at, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	b.before = func(context.Context, int64, string, bool) error {
		once.Do(func() { close(at) })
		<-goOn
		return nil
	}
	done := make(chan error, 1)
	go func() {
		_, err := scan.Run(t.Context(), db, b, o)
		done <- err
	}()
	<-at
	if _, err := scan.Run(t.Context(), db, newBucket(10), o); !errors.Is(err, storage.ErrScanning) {
		t.Errorf("got %v, want %v", err, storage.ErrScanning)
	}
	o.Prefix = "elsewhere/"
	run(t, db, newBucket(10), o)
	close(goOn)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestRun_Unordered(t *testing.T) {
	t.Parallel()
	b := newBucket(10, flat(30)...)
	b.keys[3], b.keys[4] = b.keys[4], b.keys[3]
	_, err := scan.Run(t.Context(), storagetest.New(t), b, options())
	if err == nil || !strings.Contains(err.Error(), "does not list the objects in the order of their keys") {
		t.Errorf("got %v, want that the order is wrong", err)
	}
}

// The real thing: many pages of a server, listed and recorded through the parts
// that the program uses.
func TestRun_Server(t *testing.T) {
	t.Parallel()
	server, err := devstack.StartS3(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	const n = 5_000
	if err := server.Fill(t.Context(), "statements", slices.Values(flat(n))); err != nil {
		t.Fatal(err)
	}
	store, err := objectstore.Open(t.Context(), objectstore.Config{
		Endpoint: server.Endpoint, Region: server.Region, ForcePathStyle: true, AccessKey: redact.Secret(server.AccessKey), SecretKey: server.SecretKey,
	})
	if err != nil {
		t.Fatal(err)
	}
	db, url := storagetest.NewURL(t)
	o := options()
	got := run(t, db, store, o)
	if want := (storage.ScanCounts{Listed: n, New: n, Bare: n}); got.ScanCounts != want {
		t.Errorf("first %+v, want %+v", got.ScanCounts, want)
	}
	if keys := recorded(t, url); !slices.Equal(keys, flat(n)) {
		t.Errorf("%d keys are recorded, want all %d", len(keys), n)
	}
	got = run(t, db, store, o)
	if want := (storage.ScanCounts{Listed: n, Known: n}); got.ScanCounts != want {
		t.Errorf("again %+v, want %+v", got.ScanCounts, want)
	}
}
