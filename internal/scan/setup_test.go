package scan_test

import (
	"context"
	"fmt"
	"iter"
	"os"
	"slices"
	"sort"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"casflow/internal/scan"
	"casflow/internal/storage"
	"casflow/internal/storage/objectstore"
	"casflow/internal/storage/storagetest"
)

func TestMain(m *testing.M) { os.Exit(storagetest.Main(m)) }

// bucket is a bucket in memory, as S3 lists it.
type bucket struct {
	keys []string // sorted
	page int      // keys in a page
	// sloppy leaves out a key where there is none of the name that a listing is to
	// begin after, as some servers do.
	sloppy bool
	// before is asked before a page is given, and may fail. Nil: not asked.
	before func(ctx context.Context, n int64, after string, again bool) error

	pages, probes atomic.Int64
}

func newBucket(page int, keys ...string) *bucket {
	keys = slices.Clone(keys)
	sort.Strings(keys)
	return &bucket{keys: slices.Compact(keys), page: page}
}

// from is the place of the first key under prefix after another one.
func (b *bucket) from(prefix, after string) int {
	at, found := slices.BinarySearch(b.keys, after)
	if found || b.sloppy && after != "" {
		at++
	}
	under, _ := slices.BinarySearch(b.keys, prefix)
	return max(at, under)
}

func (b *bucket) ListAfter(ctx context.Context, name, prefix, after string) iter.Seq2[objectstore.Page, error] {
	return func(yield func(objectstore.Page, error) bool) {
		for again := false; ; again = true {
			n := b.pages.Add(1)
			if b.before != nil {
				if err := b.before(ctx, n, after, again); err != nil {
					yield(objectstore.Page{}, err)
					return
				}
			}
			var page objectstore.Page
			for _, key := range b.keys[min(b.from(prefix, after), len(b.keys)):] {
				if !strings.HasPrefix(key, prefix) {
					break
				}
				if page.More = len(page.Objects) == b.page; page.More {
					break
				}
				page.Objects = append(page.Objects, objectstore.Info{
					Ref: objectstore.Ref{Bucket: name, Key: key, ETag: "e"}, Size: 1, LastModified: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC),
				})
				after = key
			}
			if !yield(page, nil) || !page.More {
				return
			}
		}
	}
}

func (b *bucket) First(_ context.Context, _, prefix, after string) (string, error) {
	b.probes.Add(1)
	if at := b.from(prefix, after); at < len(b.keys) && strings.HasPrefix(b.keys[at], prefix) {
		return b.keys[at], nil
	}
	return "", nil
}

// flat are n keys that differ in their last digits.
func flat(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("in/statement-%06d.pdf", i)
	}
	return keys
}

func options() scan.Options {
	return scan.Options{
		Bucket: "statements", Prefix: "in/", Kind: storage.KindSmart, Queue: storage.QueueBulk, Suffix: ".pdf", Listers: 4, Resume: time.Hour,
	}
}

// lister is what a scan lists by: a bucket in memory, or the real one.
type lister interface {
	ListAfter(ctx context.Context, bucket, prefix, after string) iter.Seq2[objectstore.Page, error]
	First(ctx context.Context, bucket, prefix, after string) (string, error)
}

// run scans and checks that it works.
func run(t *testing.T, db *storage.DB, store lister, o scan.Options) scan.Summary {
	t.Helper()
	summary, err := scan.Run(t.Context(), db, store, o)
	if err != nil {
		t.Fatal(err)
	}
	return summary
}

// recorded are the keys of the ledger, sorted.
func recorded(t *testing.T, url string) []string {
	t.Helper()
	var keys []string
	for _, row := range storagetest.Rows(t, url, `SELECT object_key FROM cas.documents`) {
		keys = append(keys, row[0])
	}
	sort.Strings(keys)
	return keys
}
