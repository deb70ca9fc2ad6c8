package objectstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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

// noMessage is what the SDK puts where the server gave no message.
const noMessage = "UnknownError"

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
func (s *Store) fail(ctx context.Context, op string, ref Ref, err error) error {
	e := &Error{Op: op, Bucket: ref.Bucket, Key: redact.PANs(ref.Key)}
	answer, answered := errors.AsType[*smithyhttp.ResponseError](err)
	unsent, silent := errors.AsType[*smithyhttp.RequestSendError](err)
	switch {
	case ctx.Err() != nil: // asked of the context, because time-outs of the network look the same
		e.Err = ctx.Err()
		e.text = e.Err.Error()
	case silent:
		e.Err = errors.New(masked(innermost(unsent).Error()))
		e.text = fmt.Sprintf("S3 at %s cannot be reached: %s; check %s and the network", s.where(), e.Err, s.setting())
	case answered && answer.Response != nil && answer.Response.Response != nil:
		e.answered(s, ref, answer.Response.Response, err)
	default:
		e.Err = errors.New(masked(innermost(err).Error()))
		e.text = e.Err.Error()
	}
	return e
}

// answered fills in what the answer tells, and which of our errors it is.
func (e *Error) answered(s *Store, ref Ref, response *http.Response, err error) {
	e.StatusCode = response.StatusCode
	e.RequestID = response.Header.Get("X-Amz-Request-Id")
	if fault, ok := errors.AsType[smithy.APIError](err); ok {
		e.Code = fault.ErrorCode()
		if message := fault.ErrorMessage(); message != noMessage {
			e.text = masked(message)
		}
	} else {
		e.text = masked("the answer cannot be read: " + err.Error())
	}
	home := response.Header.Get("X-Amz-Bucket-Region")
	switch {
	case home != "" && home != s.region && (e.StatusCode == http.StatusMovedPermanently || e.StatusCode == http.StatusBadRequest):
		e.text = fmt.Sprintf("the bucket is in region %s, not %s; set AWS_REGION", home, s.region)
	case e.Code == "NoSuchBucket", e.StatusCode == http.StatusNotFound && e.Key == "":
		e.Err = fs.ErrNotExist
		e.text = fmt.Sprintf("the bucket does not exist at %s; create it, or correct its name or %s", s.where(), s.setting())
	case e.StatusCode == http.StatusNotFound, noSuchVersion(e, ref):
		e.Err = fs.ErrNotExist
		e.text = orElse(e.text, "the object does not exist")
	case e.StatusCode == http.StatusPreconditionFailed:
		e.Err, e.text = ErrChanged, ErrChanged.Error()
	case e.StatusCode == http.StatusForbidden, e.StatusCode == http.StatusUnauthorized,
		e.Code == "ExpiredToken", e.Code == "InvalidToken":
		e.Err = fs.ErrPermission
		e.text = orElse(e.text, "access refused") + "; check the credentials and what they may do with the bucket"
	default:
		e.text = orElse(e.text, http.StatusText(e.StatusCode))
	}
}

// noSuchVersion tells the ways, other than 404, in which S3 says that there is no
// such version: the id is of no form it knows, or belongs to a delete marker.
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
	if sent, ok := errors.AsType[*url.Error](err); ok {
		return sent.Err
	}
	return err
}

// masked makes a text of somebody else fit for an error.
func masked(text string) string {
	text = strings.TrimRight(redact.PANs(strings.TrimSpace(text)), ".")
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
