package objectstore

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Remove deletes an object with all its versions and delete markers; one that is
// not there is fine. It returns how many it deleted.
func (s *Store) Remove(ctx context.Context, bucket, key string) (int, error) {
	ref := Ref{Bucket: bucket, Key: key}
	removed := 0
	remove := func(version *string) error {
		_, err := s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String(key), VersionId: version})
		if err != nil {
			return s.fail(ctx, "delete object", ref, err)
		}
		removed++
		return nil
	}
	pages := s3.NewListObjectVersionsPaginator(s.client, &s3.ListObjectVersionsInput{Bucket: aws.String(bucket), Prefix: aws.String(key)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return removed, s.fail(ctx, "list versions", ref, err)
		}
		for _, v := range page.Versions {
			if aws.ToString(v.Key) == key {
				if err := remove(v.VersionId); err != nil {
					return removed, err
				}
			}
		}
		for _, m := range page.DeleteMarkers {
			if aws.ToString(m.Key) == key {
				if err := remove(m.VersionId); err != nil {
					return removed, err
				}
			}
		}
	}
	return removed, nil
}
