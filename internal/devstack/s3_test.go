package devstack

import (
	"net/http"
	"slices"
	"testing"

	"github.com/rclone/gofakes3"
)

// TestStartS3 shows the life of the server; what it does with objects is shown
// by the tests of the object store.
func TestStartS3(t *testing.T) {
	t.Parallel()
	var servers [2]*S3
	for i := range servers {
		server, err := StartS3(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		servers[i] = server
	}
	if servers[0].Endpoint == servers[1].Endpoint || servers[0].SecretKey == servers[1].SecretKey {
		t.Error("two servers share endpoint or keys")
	}
	for _, server := range servers {
		if status, err := get(t, server.Endpoint); err != nil || status != http.StatusForbidden {
			t.Errorf("unsigned request: got status %d, %v", status, err)
		}
		for range 2 {
			if err := server.Stop(); err != nil {
				t.Error(err)
			}
		}
		if _, err := get(t, server.Endpoint); err == nil {
			t.Error("answers after stop")
		}
	}
}

func get(t *testing.T, url string) (status int, err error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

// TestS3_Fill: what was filled in is there as if it had been put.
func TestS3_Fill(t *testing.T) {
	t.Parallel()
	server, err := StartS3(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := server.Fill(t.Context(), "statements", slices.Values([]string{"in/a.pdf", "in/b.pdf"})); err != nil {
		t.Fatal(err)
	}
	if err := server.Fill(t.Context(), "statements", slices.Values([]string{"in/c.pdf"})); err == nil {
		t.Error("a bucket was made twice")
	}
	objects, err := server.objects.ListBucket(t.Context(), "statements", nil, gofakes3.ListBucketPage{})
	if err != nil || len(objects.Contents) != 2 || objects.Contents[1].Key != "in/b.pdf" {
		t.Errorf("the bucket holds %+v, %v, want two objects", objects, err)
	}
}
