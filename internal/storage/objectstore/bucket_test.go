package objectstore_test

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
)

// listError is the error with which a listing ends.
func listError(t *testing.T, b bundle, bucket, prefix string) (last error) {
	t.Helper()
	for page, err := range b.List(t.Context(), bucket, prefix) {
		if last != nil || err != nil && page != nil {
			t.Errorf("got %d objects, %v, after %v", len(page), err, last)
		}
		last = err
	}
	return last
}

func TestStore_List_Pages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const count = 2500
	want := make([]string, count)
	var puts errgroup.Group
	puts.SetLimit(8)
	for i := range want {
		want[i] = fmt.Sprintf("in/%05d.pdf", i)
		puts.Go(func() error {
			_, err := b.Put(t.Context(), b.bucket, want[i], strings.NewReader(want[i]), int64(len(want[i])), nil)
			return err
		})
	}
	puts.Go(func() error {
		_, err := b.Put(t.Context(), b.bucket, "out/00000.pdf", strings.NewReader(""), 0, nil)
		return err
	})
	if err := puts.Wait(); err != nil {
		t.Fatal(err)
	}

	var got []string
	var pages []int
	for page, err := range b.List(t.Context(), b.bucket, "in/") {
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, len(page))
		for _, info := range page {
			got = append(got, info.Key)
			if info.Bucket != b.bucket || info.Size != int64(len(info.Key)) || info.LastModified.IsZero() {
				t.Fatalf("got %+v", info)
			}
		}
	}
	if diff := cmp.Diff([]int{1000, 1000, 500}, pages); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %d keys that differ from the %d put", len(got), len(want))
	}
	// What a listing names can be fetched as it names it.
	for page, err := range b.List(t.Context(), b.bucket, "in/") {
		if err != nil {
			t.Fatal(err)
		}
		if content, _, err := read(t.Context(), b.Store, page[7].Ref); err != nil || content != want[7] {
			t.Errorf("got %q, %v", content, err)
		}
		break // stops the listing, too
	}
}

func TestStore_List_Empty(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for page, err := range b.List(t.Context(), b.bucket, "") {
		if len(page) != 0 || err != nil {
			t.Errorf("got %v, %v", page, err)
		}
	}
}

// TestStore_List_AwkwardKeys has keys that XML, URLs or a careless decoder would
// change or refuse.
func TestStore_List_AwkwardKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	want := []string{
		"a b.pdf", "a%20b.pdf", "a+b.pdf", "a&b<c>.pdf", "a\x01b.pdf", "é/नमूना.pdf", `quote".pdf`, "tail ", "x=1;y?z#w.pdf",
	}
	slices.Sort(want)
	for _, key := range want {
		b.put(t, key, key, nil)
	}
	var got []string
	for page, err := range b.List(t.Context(), b.bucket, "") {
		if err != nil {
			t.Fatal(err)
		}
		for _, info := range page {
			got = append(got, info.Key)
			if content, _, err := read(t.Context(), b.Store, info.Ref); err != nil || content != info.Key {
				t.Errorf("key %q: got %q, %v", info.Key, content, err)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	for page, err := range b.List(t.Context(), b.bucket, "a+") {
		if err != nil || len(page) != 1 || page[0].Key != "a+b.pdf" {
			t.Errorf("prefix a+: got %v, %v", page, err)
		}
	}
}

// A listing can begin after a key, under the prefix all the same.
func TestStore_ListAfter(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, key := range []string{"a.pdf", "in/a.pdf", "in/b c+d.pdf", "in/ज.pdf", "z.pdf"} {
		b.put(t, key, key, nil)
	}
	for _, test := range []struct {
		prefix, after string
		want          []string
	}{
		{"in/", "", []string{"in/a.pdf", "in/b c+d.pdf", "in/ज.pdf"}},
		{"in/", "in/a.pdf", []string{"in/b c+d.pdf", "in/ज.pdf"}},
		{"in/", "in/b c+d.pdf", []string{"in/ज.pdf"}},
		{"in/", "in/ज.pdf", nil},
		{"", "in/ज.pdf", []string{"z.pdf"}},
		{"none/", "", nil},
	} {
		var got []string
		for page, err := range b.ListAfter(t.Context(), b.bucket, test.prefix, test.after) {
			if err != nil {
				t.Fatal(err)
			}
			for _, object := range page.Objects {
				got = append(got, object.Key)
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("under %q after %q (-want +got):\n%s", test.prefix, test.after, diff)
		}
		first, err := b.First(t.Context(), b.bucket, test.prefix, test.after)
		if want := append(test.want, "")[0]; first != want || err != nil {
			t.Errorf("the first under %q after %q is %q, %v, want %q", test.prefix, test.after, first, err, want)
		}
	}
	if _, err := b.First(t.Context(), "no-such-bucket", "", ""); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the first of no bucket: %v, want %v", err, fs.ErrNotExist)
	}
}
