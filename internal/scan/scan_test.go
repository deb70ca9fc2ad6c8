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
