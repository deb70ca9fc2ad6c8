package objectstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"path"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"casflow/internal/redact"
)

// maxPresignTime is how long a presigned URL may live, by the rules of AWS.
const maxPresignTime = 7 * 24 * time.Hour

// Ref names an object, or one state of it.
type Ref struct {
	Bucket string
	Key    string
	// VersionID is the version in a bucket that keeps them; "" for the newest.
	VersionID string
	// ETag is the entity tag, without quotes, that the object must have; "" for
	// any.
	ETag string
}

// Info is what S3 knows about an object.
type Info struct {
	Ref
	Size         int64 // bytes; -1 where the server does not tell
	LastModified time.Time
	// Metadata is the user's, by lower-case name without "x-amz-meta-". It may
	// hold passwords. Listings do not have it.
	Metadata map[string]string
}

// Object is an object being read.
type Object struct {
	Info
	// Body must be closed. What arrives is checked against the checksum that
	// S3 keeps, where it keeps one: only io.EOF means that all of it is good.
	// Errors of Read are *Error.
	Body io.ReadCloser
}

// Get opens an object. The error matches fs.ErrNotExist, ErrChanged if ref has an
// ETag that is no longer the object's, or fs.ErrPermission.
func (s *Store) Get(ctx context.Context, ref Ref) (*Object, error) {
	output, err := s.client.GetObject(ctx, &s3.GetObjectInput{
		Bucket: aws.String(ref.Bucket), Key: aws.String(ref.Key),
		VersionId: optional(ref.VersionID), IfMatch: quoted(ref.ETag),
	})
	if err != nil {
		return nil, s.fail(ctx, "get object", ref, err)
	}
	ref.ETag = unquoted(output.ETag)
	ref.VersionID = orElse(version(output.VersionId), ref.VersionID)
	return &Object{
		Info: Info{
			Ref: ref, Size: size(output.ContentLength),
			LastModified: aws.ToTime(output.LastModified), Metadata: decodeMetadata(output.Metadata),
		},
		Body: &body{ReadCloser: output.Body, fail: func(err error) error {
			return s.fail(ctx, "read object", ref, err)
		}},
	}, nil
}

// Head asks for an object without its content. Errors as of Get.
func (s *Store) Head(ctx context.Context, ref Ref) (Info, error) {
	output, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{
		Bucket: aws.String(ref.Bucket), Key: aws.String(ref.Key),
		VersionId: optional(ref.VersionID), IfMatch: quoted(ref.ETag),
	})
	if err != nil {
		return Info{}, s.fail(ctx, "head object", ref, err)
	}
	ref.ETag = unquoted(output.ETag)
	ref.VersionID = orElse(version(output.VersionId), ref.VersionID)
	return Info{
		Ref: ref, Size: size(output.ContentLength),
		LastModified: aws.ToTime(output.LastModified), Metadata: decodeMetadata(output.Metadata),
	}, nil
}

// Put writes an object of the given size in bytes, replacing what is there. The
// body is read from where it stands, and again from there for each retry. The
// returned Info has no LastModified: S3 does not tell.
func (s *Store) Put(ctx context.Context, bucket, key string, body io.ReadSeeker, size int64, metadata map[string]string) (Info, error) {
	return s.put(ctx, &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String(key)}, body, size, metadata)
}

// PutNew is Put under a key that no object has yet; where one has it, the error
// matches fs.ErrExist. Servers that do not know the condition replace what is
// there.
func (s *Store) PutNew(ctx context.Context, bucket, key string, body io.ReadSeeker, size int64, metadata map[string]string) (Info, error) {
	input := &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String(key), IfNoneMatch: aws.String("*")}
	info, err := s.put(ctx, input, body, size, metadata)
	if errors.Is(err, ErrChanged) { // what S3 answers to any condition that does not hold
		err = fmt.Errorf("put object: %w", fs.ErrExist)
	}
	return info, err
}

func (s *Store) put(ctx context.Context, input *s3.PutObjectInput, body io.ReadSeeker, size int64, metadata map[string]string) (Info, error) {
	ref := Ref{Bucket: *input.Bucket, Key: *input.Key}
	input.Body, input.ContentLength = body, aws.Int64(size)
	input.ContentType, input.Metadata = contentType(ref.Key), encodeMetadata(metadata)
	output, err := s.client.PutObject(ctx, input)
	if err != nil {
		return Info{}, s.fail(ctx, "put object", ref, err)
	}
	ref.ETag = unquoted(output.ETag)
	ref.VersionID = version(output.VersionId)
	return Info{Ref: ref, Size: size, Metadata: metadata}, nil
}

// PresignGet makes a URL that lets whoever has it read the object for ttl, at
// most seven days; less where the credentials expire earlier. Nothing is sent,
// so that the object need not exist. The ETag of ref is left out: whoever fetches
// the URL sends no condition.
func (s *Store) PresignGet(ctx context.Context, ref Ref, ttl time.Duration) (redact.Secret, error) {
	const op = "presign object"
	if ttl < time.Second || ttl > maxPresignTime {
		return "", s.fail(ctx, op, ref, fmt.Errorf("a presigned URL can live from one second to %s, not %s", maxPresignTime, ttl))
	}
	request, err := s.presigner.PresignGetObject(ctx, &s3.GetObjectInput{
		Bucket: aws.String(ref.Bucket), Key: aws.String(ref.Key), VersionId: optional(ref.VersionID),
	}, s3.WithPresignExpires(ttl))
	if err != nil {
		return "", s.fail(ctx, op, ref, err)
	}
	return redact.Secret(request.URL), nil
}

// body turns the errors of reading into ours: those of the transport may quote
// the URL.
type body struct {
	io.ReadCloser
	fail func(error) error
}

// Read reads from the object.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = b.fail(err)
	}
	return n, err
}

// contentType tells those who fetch a presigned URL what they get.
func contentType(key string) *string {
	if strings.EqualFold(path.Ext(key), ".pdf") {
		return aws.String("application/pdf")
	}
	return nil
}

// encodeMetadata writes values beyond ASCII as RFC 2047 words, in which the docs
// of S3 say it takes and gives them; headers cannot carry them otherwise.
func encodeMetadata(metadata map[string]string) map[string]string {
	encoded := make(map[string]string, len(metadata))
	for name, value := range metadata {
		encoded[name] = mime.BEncoding.Encode("UTF-8", value)
	}
	return encoded
}

// decodeMetadata is the reverse of encodeMetadata. What cannot be decoded is
// kept as it came.
func decodeMetadata(metadata map[string]string) map[string]string {
	decoded := make(map[string]string, len(metadata))
	for name, value := range metadata {
		if text, err := new(mime.WordDecoder).DecodeHeader(value); err == nil {
			value = text
		}
		decoded[strings.ToLower(name)] = value
	}
	return decoded
}

func size(length *int64) int64 {
	if length == nil {
		return -1
	}
	return *length
}

// version leaves out "null", the version of everything written while the bucket
// kept none: the next such write replaces it, so it names no state of the object.
func version(id *string) string {
	if aws.ToString(id) == "null" {
		return ""
	}
	return aws.ToString(id)
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return aws.String(text)
}

func quoted(etag string) *string {
	if etag == "" {
		return nil
	}
	return aws.String(`"` + etag + `"`)
}

func unquoted(etag *string) string { return strings.Trim(aws.ToString(etag), `"`) }
