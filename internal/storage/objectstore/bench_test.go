package objectstore_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

// BenchmarkStore_Get reads an object of 40 KB; the server's part is in it.
func BenchmarkStore_Get(b *testing.B) {
	store := setup(b)
	info := store.put(b, "a.pdf", strings.Repeat("x", 40_000), nil)
	b.SetBytes(info.Size)
	b.ReportAllocs()
	for b.Loop() {
		object, err := store.Get(b.Context(), info.Ref)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, object.Body); err != nil {
			b.Fatal(err)
		}
		if err := object.Body.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStore_List lists a page of 1,000 objects; the server's part is in it.
func BenchmarkStore_List(b *testing.B) {
	store := setup(b)
	for i := range 1000 {
		store.put(b, fmt.Sprintf("in/%04d.pdf", i), "", nil)
	}
	b.ReportAllocs()
	for b.Loop() {
		for page, err := range store.List(b.Context(), store.bucket, "in/") {
			if err != nil || len(page) != 1000 {
				b.Fatal(len(page), err)
			}
		}
	}
}
