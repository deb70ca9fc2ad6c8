package objectstore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"casflow/internal/storage/objectstore"
)

// read gets an object whole.
func read(ctx context.Context, store *objectstore.Store, ref objectstore.Ref) (string, objectstore.Info, error) {
	object, err := store.Get(ctx, ref)
	if err != nil {
		return "", objectstore.Info{}, err
	}
	defer func() { _ = object.Body.Close() }()
	content, err := io.ReadAll(object.Body)
	return string(content), object.Info, err
}

func TestStore_RoundTrip(t *testing.T) {
	t.Parallel()
	b := setup(t)
	metadata := map[string]string{"password": "ZZZPA0001Z", "investor": "निवेशक " + strings.Repeat("long ", 30), "empty": ""}
	const key, content = "2025/04/a b+c%20 é.pdf", "%PDF-1.7 synthetic"
	put := b.put(t, key, content, metadata)

	got, info, err := read(t.Context(), b.Store, objectstore.Ref{Bucket: b.bucket, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	if got != content {
		t.Errorf("got content %q, want %q", got, content)
	}
	head, err := b.Head(t.Context(), objectstore.Ref{Bucket: b.bucket, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(head, info); diff != "" {
		t.Errorf("head and get differ (-head +get):\n%s", diff)
	}
	if info.LastModified.IsZero() {
		t.Error("no time of modification")
	}
	info.LastModified = time.Time{} // Put does not tell
	if diff := cmp.Diff(put, info); diff != "" {
		t.Errorf("put and get differ (-put +get):\n%s", diff)
	}
	if info.Size != int64(len(content)) || info.ETag == "" || strings.Contains(info.ETag, `"`) {
		t.Errorf("got size %d, etag %q", info.Size, info.ETag)
	}
	if diff := cmp.Diff(metadata, info.Metadata); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
}

func TestStore_Put_FromPosition(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := strings.NewReader("skipped content")
	if _, err := body.Seek(8, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Put(t.Context(), b.bucket, "a.pdf", body, int64(body.Len()), nil); err != nil {
		t.Fatal(err)
	}
	got, info, err := read(t.Context(), b.Store, objectstore.Ref{Bucket: b.bucket, Key: "a.pdf"})
	if err != nil || got != "content" || info.Size != 7 {
		t.Errorf("got %q of %d bytes, %v", got, info.Size, err)
	}
}

func TestStore_IfMatch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	old := b.put(t, "a.pdf", "first", nil).Ref
	if got, _, err := read(t.Context(), b.Store, old); err != nil || got != "first" {
		t.Errorf("unchanged: got %q, %v", got, err)
	}
	changed := b.put(t, "a.pdf", "second", nil).Ref

	_, getErr := b.Get(t.Context(), old)
	_, headErr := b.Head(t.Context(), old)
	for _, err := range []error{getErr, headErr} {
		assertError(t, err, isChanged, "has changed")
	}
	if got, _, err := read(t.Context(), b.Store, changed); err != nil || got != "second" {
		t.Errorf("new state: got %q, %v", got, err)
	}
}

func TestStore_Missing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, getErr := b.Get(t.Context(), objectstore.Ref{Bucket: b.bucket, Key: "ZZZPA0001Z/missing.pdf"})
	_, headErr := b.Head(t.Context(), objectstore.Ref{Bucket: b.bucket, Key: "ZZZPA0001Z/missing.pdf"})
	for _, err := range []error{getErr, headErr} {
		assertError(t, err, isMissing, `bucket "statements", key "ZZ*******Z/missing.pdf"`)
	}
	_, getErr = b.Get(t.Context(), objectstore.Ref{Bucket: "elsewhere", Key: "a.pdf"})
	_, putErr := b.Put(t.Context(), "elsewhere", "a.pdf", strings.NewReader(""), 0, nil)
	for _, err := range []error{getErr, putErr, b.CheckBucket(t.Context(), "elsewhere"), listError(t, b, "elsewhere", "")} {
		assertError(t, err, isMissing, "the bucket does not exist at 127.0.0.1:")
	}
	if err := b.CheckBucket(t.Context(), b.bucket); err != nil {
		t.Error(err)
	}
	if err := b.CreateBucket(t.Context(), b.bucket); err != nil {
		t.Errorf("create an existing bucket: %v", err)
	}
}

func TestStore_Versions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	client := s3.New(s3.Options{
		BaseEndpoint: aws.String(b.server.Endpoint), Region: b.server.Region, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(b.server.AccessKey, b.server.SecretKey.Reveal(), ""),
	})
	_, err := client.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket:                  aws.String(b.bucket),
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	if err != nil {
		t.Fatal(err)
	}
	first, second := b.put(t, "a.pdf", "first", nil).Ref, b.put(t, "a.pdf", "second", nil).Ref
	if first.VersionID == "" || first.VersionID == second.VersionID {
		t.Fatalf("got versions %q and %q", first.VersionID, second.VersionID)
	}
	for ref, want := range map[objectstore.Ref]string{
		first: "first", second: "second", {Bucket: b.bucket, Key: "a.pdf"}: "second",
	} {
		got, info, err := read(t.Context(), b.Store, ref)
		if err != nil || got != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
		if ref.VersionID != "" && info.Ref != ref {
			t.Errorf("got %+v, want %+v", info.Ref, ref)
		}
		if head, err := b.Head(t.Context(), ref); err != nil || head.Ref != info.Ref {
			t.Errorf("head: got %+v, %v, want %+v", head.Ref, err, info.Ref)
		}
	}
	url, err := b.PresignGet(t.Context(), first, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if status, got := fetch(t, url.Reveal()); status != http.StatusOK || got != "first" {
		t.Errorf("presigned version: got %d %q", status, got)
	}
	_, err = b.Get(t.Context(), objectstore.Ref{Bucket: b.bucket, Key: "a.pdf", VersionID: "3/never-issued"})
	assertError(t, err, isMissing, "a.pdf")
	if _, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(b.bucket), Key: aws.String("a.pdf")}); err != nil {
		t.Fatal(err)
	}
	_, err = b.Get(t.Context(), objectstore.Ref{Bucket: b.bucket, Key: "a.pdf"})
	assertError(t, err, isMissing, "a.pdf")
}

func TestStore_PresignGet(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref := b.put(t, "2025/ZZZPA0001Z b+c.pdf", "content", nil).Ref
	url, err := b.PresignGet(t.Context(), ref, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if printed := fmt.Sprintf("%v %+v %q %s", url, url, url, url); strings.Contains(printed, "http") {
		t.Error("the URL prints")
	}
	if status, got := fetch(t, url.Reveal()); status != http.StatusOK || got != "content" {
		t.Errorf("got %d %q, want the content", status, got)
	}
	if status, _ := fetch(t, strings.Replace(url.Reveal(), "X-Amz-Expires=60", "X-Amz-Expires=61", 1)); status != http.StatusForbidden {
		t.Errorf("altered URL: got %d, want %d", status, http.StatusForbidden)
	}
	for _, ttl := range []time.Duration{0, -time.Minute, 8 * 24 * time.Hour} {
		if _, err := b.PresignGet(t.Context(), ref, ttl); err == nil || strings.Contains(err.Error(), "ZZZPA0001Z") {
			t.Errorf("for %s: got %v", ttl, err)
		}
	}
}

// fetch gets a URL as anybody would.
func fetch(t *testing.T, url string) (status int, content string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// TestStore_PutNew shows that what is there stays as it is.
func TestStore_PutNew(t *testing.T) {
	t.Parallel()
	b := setup(t)
	put := func(content string) error {
		_, err := b.PutNew(t.Context(), b.bucket, "a.pdf", strings.NewReader(content), int64(len(content)), nil)
		return err
	}
	if err := put("first"); err != nil {
		t.Fatal(err)
	}
	if err := put("second"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("PutNew(known key) = %v, want fs.ErrExist", err)
	}
	if got, _, err := read(t.Context(), b.Store, objectstore.Ref{Bucket: b.bucket, Key: "a.pdf"}); err != nil || got != "first" {
		t.Errorf("got %q, %v, want the first content", got, err)
	}
}
