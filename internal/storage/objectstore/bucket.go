package objectstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// List gives the objects under prefix in the order of their keys, a page of at
// most 1,000 at a time, without their metadata and versions. Memory does not grow
// with their number. After an error, which comes alone, it ends.
func (s *Store) List(ctx context.Context, bucket, prefix string) iter.Seq2[[]Info, error] {
	return func(yield func([]Info, error) bool) {
		for page, err := range s.ListAfter(ctx, bucket, prefix, "") {
			if !yield(page.Objects, err) {
				return
			}
		}
	}
}

// Page is a part of a listing.
type Page struct {
	Objects []Info
	More    bool // whether there may be another one
}

// ListAfter is List of the objects whose keys come after the key after.
func (s *Store) ListAfter(ctx context.Context, bucket, prefix, after string) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		ref := Ref{Bucket: bucket, Key: prefix}
		pages := s3.NewListObjectsV2Paginator(s.client, listInput(bucket, prefix, after))
		for pages.HasMorePages() {
			var page []Info
			output, err := pages.NextPage(ctx)
			if err == nil {
				page, err = readPage(bucket, output)
			}
			if err != nil {
				yield(Page{}, s.fail(ctx, "list objects", ref, err))
				return
			}
			if !yield(Page{Objects: page, More: pages.HasMorePages()}, nil) {
				return
			}
		}
	}
}

// First gives the first key under prefix that comes after the key after; "" if
// there is none.
func (s *Store) First(ctx context.Context, bucket, prefix, after string) (string, error) {
	input := listInput(bucket, prefix, after)
	input.MaxKeys = aws.Int32(1)
	var page []Info
	output, err := s.client.ListObjectsV2(ctx, input)
	if err == nil {
		page, err = readPage(bucket, output)
	}
	switch {
	case err != nil:
		return "", s.fail(ctx, "list objects", Ref{Bucket: bucket, Key: prefix}, err)
	case len(page) == 0:
		return "", nil
	}
	return page[0].Key, nil
}

func listInput(bucket, prefix, after string) *s3.ListObjectsV2Input {
	return &s3.ListObjectsV2Input{
		Bucket: aws.String(bucket), Prefix: optional(prefix), StartAfter: optional(after),
		// A key may hold characters that XML cannot; one such key would make the whole
		// page unreadable.
		EncodingType: types.EncodingTypeUrl,
	}
}

func readPage(bucket string, output *s3.ListObjectsV2Output) ([]Info, error) {
	page := make([]Info, 0, len(output.Contents))
	for _, object := range output.Contents {
		key := aws.ToString(object.Key)
		// Some servers ignore the wish to encode, and then do not confirm it.
		if output.EncodingType == types.EncodingTypeUrl {
			decoded, err := url.QueryUnescape(key)
			if err != nil {
				return nil, fmt.Errorf("decode key of a listing: %w", err)
			}
			key = decoded
		}
		page = append(page, Info{
			Ref:          Ref{Bucket: bucket, Key: key, ETag: unquoted(object.ETag)},
			Size:         aws.ToInt64(object.Size),
			LastModified: aws.ToTime(object.LastModified),
		})
	}
	return page, nil
}

// CheckBucket asks whether the bucket is there and may be listed. The error says
// what is wrong (no such bucket, no access, another region, nobody at the
// endpoint) and what to do about it; it matches fs.ErrNotExist or
// fs.ErrPermission where these apply.
func (s *Store) CheckBucket(ctx context.Context, bucket string) error {
	_, err := s.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String(bucket)})
	if err == nil {
		return nil
	}
	return s.fail(ctx, "check bucket", Ref{Bucket: bucket}, err)
}

// CreateBucket makes a bucket in the region of the store, for the demo and for
// tests. One that exists and can be used is no error.
func (s *Store) CreateBucket(ctx context.Context, bucket string) error {
	input := &s3.CreateBucketInput{Bucket: aws.String(bucket)}
	if s.region != endpointRegion { // the one region that must not be named
		input.CreateBucketConfiguration = &types.CreateBucketConfiguration{
			LocationConstraint: types.BucketLocationConstraint(s.region),
		}
	}
	_, err := s.client.CreateBucket(ctx, input)
	if err == nil {
		return nil
	}
	err = s.fail(ctx, "create bucket", Ref{Bucket: bucket}, err)
	if failed, ok := errors.AsType[*Error](err); ok && (failed.Code == "BucketAlreadyOwnedByYou" || failed.Code == "BucketAlreadyExists") &&
		s.CheckBucket(ctx, bucket) == nil {
		return nil
	}
	return err
}
