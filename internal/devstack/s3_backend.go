package devstack

import (
	"context"
	"net/http"

	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"
)

// s3Backend mends what the library's HEAD does otherwise than S3: it gives a
// version where the bucket keeps none, and the newest whichever is asked for.
type s3Backend struct {
	*s3mem.Backend
}

// versionKey finds the version that a request asks for in its context.
type versionKey struct{}

// rememberVersion hands the backend what the library does not pass on.
func rememberVersion(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id := r.URL.Query().Get("versionId"); id != "" && r.Method == http.MethodHead {
			r = r.WithContext(context.WithValue(r.Context(), versionKey{}, gofakes3.VersionID(id)))
		}
		next.ServeHTTP(w, r)
	})
}

// HeadObject describes the version asked for, or the newest.
func (b s3Backend) HeadObject(ctx context.Context, bucket, key string) (*gofakes3.Object, error) {
	if id, ok := ctx.Value(versionKey{}).(gofakes3.VersionID); ok {
		return b.HeadObjectVersion(bucket, key, id) //nolint:wrapcheck // the library reads its own errors
	}
	object, err := b.Backend.HeadObject(ctx, bucket, key)
	if err != nil {
		return nil, err //nolint:wrapcheck // the library reads its own errors
	}
	versioning, err := b.VersioningConfiguration(bucket)
	if err != nil {
		return nil, err //nolint:wrapcheck // the library reads its own errors
	}
	if versioning.Status != gofakes3.VersioningEnabled {
		object.VersionID = ""
	}
	return object, nil
}
