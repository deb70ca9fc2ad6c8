package objectstore_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"casflow/internal/storage/objectstore"
)

// identity is one of the classes an error falls into.
type identity string

const (
	isMissing    identity = "missing"
	isPermission identity = "permission"
	isChanged    identity = "changed"
	isTransient  identity = "transient"
)

// assertError checks that err is an *Error of exactly that class, says what it
// should, and holds no PAN.
func assertError(t *testing.T, err error, want identity, text string) {
	t.Helper()
	if _, ok := errors.AsType[*objectstore.Error](err); !ok {
		t.Errorf("got %v, want an *Error", err)
		return
	}
	for class, target := range map[identity]error{
		isMissing: fs.ErrNotExist, isPermission: fs.ErrPermission, isChanged: objectstore.ErrChanged,
	} {
		if got := errors.Is(err, target); got != (class == want) {
			t.Errorf("%v: is it %s? got %v, want %s", err, class, got, want)
		}
	}
	if !strings.Contains(err.Error(), text) {
		t.Errorf("got %v, want %q in it", err, text)
	}
	for cause := err; cause != nil; cause = errors.Unwrap(cause) {
		if strings.Contains(cause.Error(), "ZZZPA0001Z") {
			t.Errorf("PAN in error: %v", cause)
		}
	}
}

// answering is a store whose server gives one and the same answer.
func answering(t *testing.T, handler http.HandlerFunc) *objectstore.Store {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return open(t, objectstore.Config{
		Endpoint: server.URL, Region: "ap-south-1", ForcePathStyle: true, AccessKey: "key", SecretKey: "made-up-secret",
	})
}

func TestError_Answers(t *testing.T) {
	t.Parallel()
	xml := func(code, message string) string {
		return "<Error><Code>" + code + "</Code><Message>" + message + "</Message><Key>ZZZPA0001Z.pdf</Key></Error>"
	}
	tests := map[string]struct {
		status  int
		region  string
		body    string
		version string
		want    identity
		text    string
	}{
		"NoSuchKey":       {404, "", xml("NoSuchKey", "No key ZZZPA0001Z.pdf."), "", isMissing, "No key ZZ*******Z.pdf (HTTP 404 NoSuchKey, request R1)"},
		"NoSuchBucket":    {404, "", xml("NoSuchBucket", ""), "", isMissing, "correct its name"},
		"NoSuchVersion":   {404, "", xml("NoSuchVersion", ""), "v1", isMissing, "NoSuchVersion"},
		"BadVersion":      {400, "", xml("InvalidArgument", "Invalid version id specified"), "v1", isMissing, "Invalid version id"},
		"DeleteMarker":    {405, "", xml("MethodNotAllowed", ""), "v1", isMissing, "does not exist"},
		"MethodNoVersion": {405, "", xml("MethodNotAllowed", ""), "", isTransient, "Method Not Allowed"},
		"InvalidArgument": {400, "", xml("InvalidArgument", "Odd"), "v1", isTransient, "Odd"},
		"AccessDenied":    {403, "", xml("AccessDenied", "Access Denied"), "", isPermission, "Access Denied; check the credentials"},
		"Unauthorized":    {401, "", "", "", isPermission, "check the credentials"},
		"ExpiredToken":    {400, "", xml("ExpiredToken", "The token has expired."), "", isPermission, "expired"},
		"Changed":         {412, "", xml("PreconditionFailed", ""), "", isChanged, "HTTP 412"},
		"OtherRegion":     {301, "eu-west-1", xml("PermanentRedirect", ""), "", isTransient, "in region eu-west-1, not ap-south-1; set AWS_REGION"},
		"DeniedElsewhere": {403, "eu-west-1", xml("AccessDenied", ""), "", isPermission, "check the credentials"},
		"Conflict":        {409, "", xml("OperationAborted", "Try again."), "", isTransient, "Try again"},
		"NotXML":          {418, "", "<html>ZZZPA0001Z", "", isTransient, "HTTP 418"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := answering(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Amz-Request-Id", "R1")
				if test.region != "" {
					w.Header().Set("X-Amz-Bucket-Region", test.region)
				}
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			})
			_, err := store.Get(t.Context(), objectstore.Ref{Bucket: "statements", Key: "ZZZPA0001Z.pdf", VersionID: test.version})
			assertError(t, err, test.want, test.text)
			if failed, ok := errors.AsType[*objectstore.Error](err); ok &&
				(failed.StatusCode != test.status || failed.RequestID != "R1" || failed.Bucket != "statements") {
				t.Errorf("got %+v", failed)
			}
		})
	}
}

func TestError_LongMessage(t *testing.T) {
	t.Parallel()
	store := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusConflict)
		_, _ = io.WriteString(w, "<Error><Code>Odd</Code><Message>"+strings.Repeat("é", 5000)+"</Message></Error>")
	})
	err := store.CheckBucket(t.Context(), "statements")
	assertError(t, err, isTransient, "HTTP 409")
	_, err = store.Head(t.Context(), objectstore.Ref{Bucket: "statements", Key: "a.pdf"})
	assertError(t, err, isTransient, "Conflict")
	_, err = store.Get(t.Context(), objectstore.Ref{Bucket: "statements", Key: "a.pdf"})
	if len(err.Error()) > 500 {
		t.Errorf("got %d bytes of error", len(err.Error()))
	}
}

func TestStore_Retries(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	store := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	err := store.CheckBucket(t.Context(), "statements")
	assertError(t, err, isTransient, "HTTP 503")
	if got := calls.Load(); got != 3 {
		t.Errorf("got %d attempts, want 3", got)
	}
}

// TestObject_BrokenBody has answers that end before their time.
func TestObject_BrokenBody(t *testing.T) {
	t.Parallel()
	store := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, "%PDF-")
	})
	_, _, err := read(t.Context(), store, objectstore.Ref{Bucket: "statements", Key: "ZZZPA0001Z.pdf"})
	assertError(t, err, isTransient, "read object")

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	store = answering(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, "%PDF-")
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		<-r.Context().Done() // the client is gone
	})
	object, err := store.Get(ctx, objectstore.Ref{Bucket: "statements", Key: "a.pdf"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = object.Body.Close() }()
	cancel()
	if _, err := io.ReadAll(object.Body); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled while reading: got %v", err)
	}
}

// TestObject_WrongChecksum has a server that lost a bit.
func TestObject_WrongChecksum(t *testing.T) {
	t.Parallel()
	store := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amz-Checksum-Crc32", "AAAAAA==")
		_, _ = io.WriteString(w, "%PDF-1.7 damaged")
	})
	_, _, err := read(t.Context(), store, objectstore.Ref{Bucket: "statements", Key: "a.pdf"})
	assertError(t, err, isTransient, "checksum")
}
