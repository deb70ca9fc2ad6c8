package objectstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"casflow/internal/redact"
)

// ErrChanged means that the object is no longer the one that was asked for: its
// ETag differs.
var ErrChanged = errors.New("object has changed")

// maxMessage bounds, in bytes, what of a server's message goes into an error.
const maxMessage = 300

// Error is a failed operation. It matches (errors.Is) fs.ErrNotExist where
// bucket, key or version does not exist, fs.ErrPermission where the credentials
// do not suffice, ErrChanged, the context's errors, and otherwise nothing: then
// another try may succeed.
type Error struct {
	Op     string // what was tried: "get object"
	Bucket string
	Key    string // PANs masked; "" for an operation on the bucket
	// StatusCode is the HTTP status of the answer, 0 if there was none.
	StatusCode int
	// Code is S3's word for the fault, such as "NoSuchKey"; "" if it gave none.
	Code string
	// RequestID is what S3 calls the request; "" if there was no answer.
	RequestID string
	// Err is the error that Error matches, or what went wrong on the way.
	Err error

	text string // what happened, for people
}

// Error names the operation, the bucket and the key, then what happened and,
// where it is known, what to do about it.
func (e *Error) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s: bucket %q", e.Op, e.Bucket)
	if e.Key != "" {
		fmt.Fprintf(&text, ", key %q", e.Key)
	}
	text.WriteString(": " + e.text)
	if e.StatusCode != 0 {
		fmt.Fprintf(&text, " (HTTP %d", e.StatusCode)
		if e.Code != "" {
			text.WriteString(" " + e.Code)
		}
		if e.RequestID != "" {
			text.WriteString(", request " + e.RequestID)
		}
		text.WriteString(")")
	}
	return text.String()
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// fail turns an error of the SDK into ours. The SDK's own is not wrapped: its
// text quotes URLs, keys among them.
func (s *Store) fail(op string, ref Ref, err error) error {
	e := &Error{Op: op, Bucket: ref.Bucket, Key: redact.PANs(ref.Key)}
	var (
		answer *smithyhttp.ResponseError
		unsent *smithyhttp.RequestSendError
		fault  smithy.APIError
	)
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		e.Err = context.Canceled
		if errors.Is(err, context.DeadlineExceeded) {
			e.Err = context.DeadlineExceeded
		}
		e.text = e.Err.Error()
	case errors.As(err, &answer):
		if errors.As(err, &fault) {
			e.Code = fault.ErrorCode()
			e.text = masked(fault.ErrorMessage())
		}
		e.answered(s, ref, answer.Response)
	case errors.As(err, &unsent):
		e.Err = innermost(unsent)
		e.text = fmt.Sprintf("S3 at %s cannot be reached: %s; check %s and the network", s.where(), masked(e.Err.Error()), s.setting())
	default:
		e.Err = errors.New(masked(err.Error()))
		e.text = e.Err.Error()
	}
	return e
}

// answered fills in what the answer tells, and which of our errors it is.
func (e *Error) answered(s *Store, ref Ref, response *smithyhttp.Response) {
	if response == nil || response.Response == nil {
		return
	}
	e.StatusCode = response.StatusCode
	e.RequestID = response.Header.Get("X-Amz-Request-Id")
	if home := response.Header.Get("X-Amz-Bucket-Region"); home != "" && home != s.region {
		e.text = fmt.Sprintf("the bucket is in region %s, not %s; set AWS_REGION", home, s.region)
		return
	}
	switch {
	case e.Code == "NoSuchBucket":
		e.Err, e.text = fs.ErrNotExist, "the bucket does not exist at "+s.where()+"; create it, or correct its name or "+s.setting()
	case e.StatusCode == http.StatusNotFound, e.Code == "NoSuchVersion", noSuchVersion(e, ref):
		e.Err = fs.ErrNotExist
		e.text = orElse(e.text, "does not exist")
	case e.StatusCode == http.StatusPreconditionFailed:
		e.Err, e.text = ErrChanged, "the object has changed"
	case e.StatusCode == http.StatusForbidden, e.StatusCode == http.StatusUnauthorized,
		e.Code == "ExpiredToken", e.Code == "InvalidToken":
		e.Err = fs.ErrPermission
		e.text = orElse(e.text, "access refused") + "; check the credentials and what they may do with this bucket"
	default:
		e.text = orElse(e.text, http.StatusText(e.StatusCode))
	}
}

// noSuchVersion tells the other two ways in which S3 says that there is no such
// version: the id is of no form it knows, or belongs to a delete marker.
func noSuchVersion(e *Error, ref Ref) bool {
	if ref.VersionID == "" {
		return false
	}
	return e.Code == "InvalidArgument" && strings.Contains(strings.ToLower(e.text), "version") ||
		e.StatusCode == http.StatusMethodNotAllowed
}

// where names the server: a host, or AWS.
func (s *Store) where() string {
	if s.host == "" {
		return "AWS region " + s.region
	}
	return s.host
}

// setting is what to look at when the server is the wrong one.
func (s *Store) setting() string {
	if s.host == "" {
		return "AWS_REGION (AWS_ENDPOINT_URL_S3 is not set)"
	}
	return "AWS_ENDPOINT_URL_S3"
}

// innermost leaves out the layers that quote the URL of the request.
func innermost(err error) error {
	var onTheWay *url.Error
	if errors.As(err, &onTheWay) {
		return onTheWay.Err
	}
	var network *net.OpError
	if errors.As(err, &network) {
		return network
	}
	return errors.New(masked(err.Error()))
}

// masked makes a text of somebody else fit for an error.
func masked(text string) string {
	text = redact.PANs(strings.TrimSpace(text))
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "..."
	}
	return text
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
