// Package s3event reads the notifications that S3 and servers like it send about
// objects: S3's own, those of EventBridge, and those of MinIO and Ceph, also in the envelope
// of SNS. It knows nothing of casflow.
//
//	created, others, err := s3event.Parse(body)
package s3event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Object is an object that was created, or written anew.
type Object struct {
	Bucket, Key string
	// OtherKey is what the key is called if its sender has encoded it as a URL although
	// it need not; "" where that comes to the same.
	OtherKey  string
	VersionID string // "" in a bucket that keeps no versions
	ETag      string // "" where it was not told
	Size      int64  // bytes; -1 where it was not told
}

// ErrUnknown means that a body is no notification of a form that is known. Its text
// never quotes the body.
var ErrUnknown = errors.New("no S3, EventBridge or MinIO notification")

// notification is any of the bodies.
type notification struct {
	Records []entry `json:"Records"`

	Event string `json:"Event"` // of S3's test, when a notification is configured

	DetailType string  `json:"detail-type"`
	Detail     *detail `json:"detail"`

	Type    string  `json:"Type"` // of the envelope of SNS: Notification
	Message *string `json:"Message"`
}

// entry is what happened to one object, in S3's words.
type entry struct {
	EventName string `json:"eventName"`
	S3        struct {
		Bucket struct {
			Name string `json:"name"`
		} `json:"bucket"`
		Object struct {
			Key       string `json:"key"` // encoded as in a URL
			Size      number `json:"size"`
			ETag      string `json:"eTag"`
			VersionID string `json:"versionId"`
		} `json:"object"`
	} `json:"s3"`
}

// detail is what happened to one object, in EventBridge's words.
type detail struct {
	Bucket struct {
		Name string `json:"name"`
	} `json:"bucket"`
	Object struct {
		Key       string `json:"key"` // as it is
		Size      number `json:"size"`
		ETag      string `json:"etag"`
		VersionID string `json:"version-id"`
	} `json:"object"`
}

// Parse reads a notification: the objects that it says were created, and how many
// other events there are in it, S3's test among them. An error matches ErrUnknown.
func Parse(body []byte) (created []Object, others int, err error) { return parse(body, true) }

func parse(body []byte, enveloped bool) (created []Object, others int, err error) {
	var n notification
	if err := json.Unmarshal(body, &n); err != nil {
		if at, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return nil, 0, fmt.Errorf("%w: %s is a JSON %s", ErrUnknown, at.Field, at.Value)
		}
		return nil, 0, fmt.Errorf("%w: not JSON", ErrUnknown)
	}
	switch {
	case n.Detail != nil && n.DetailType != "":
		if n.DetailType != "Object Created" {
			return nil, 1, nil
		}
		object, err := n.Detail.object()
		if err != nil {
			return nil, 0, err
		}
		return []Object{object}, 0, nil
	case n.Records != nil:
		for _, e := range n.Records {
			if !strings.HasPrefix(strings.TrimPrefix(e.EventName, "s3:"), "ObjectCreated:") {
				others++
				continue
			}
			object, err := e.object()
			if err != nil {
				return nil, 0, err
			}
			created = append(created, object)
		}
		return created, others, nil
	case n.Event == "s3:TestEvent":
		return nil, 1, nil
	case enveloped && n.Type == "Notification" && n.Message != nil:
		return parse([]byte(*n.Message), false)
	default:
		return nil, 0, ErrUnknown
	}
}

func (e entry) object() (Object, error) {
	o := e.S3.Object
	key, err := url.QueryUnescape(o.Key)
	if err != nil {
		return Object{}, fmt.Errorf("%w: a key is not encoded as in a URL", ErrUnknown)
	}
	return newObject(e.S3.Bucket.Name, key, o.VersionID, o.ETag, o.Size)
}

func (d detail) object() (Object, error) {
	o := d.Object
	object, err := newObject(d.Bucket.Name, o.Key, o.VersionID, o.ETag, o.Size)
	if decoded, decodeErr := url.QueryUnescape(o.Key); decodeErr == nil && decoded != o.Key {
		object.OtherKey = decoded
	}
	return object, err
}

func newObject(bucket, key, version, etag string, size number) (Object, error) {
	if bucket == "" || key == "" {
		return Object{}, fmt.Errorf("%w: an object has no bucket or no key", ErrUnknown)
	}
	if version == "null" {
		version = "" // what the bucket calls objects from when it kept no versions
	}
	o := Object{Bucket: bucket, Key: key, VersionID: version, ETag: strings.Trim(etag, `"`), Size: -1}
	if size.known {
		o.Size = size.n
	}
	return o, nil
}

// number is a whole number; Ceph writes it as a string.
type number struct {
	n     int64
	known bool
}

// UnmarshalJSON reads the number; the JSON library calls it.
func (n *number) UnmarshalJSON(text []byte) error {
	if read, err := strconv.ParseInt(string(bytes.Trim(text, `"`)), 10, 64); err == nil && read >= 0 {
		*n = number{read, true}
	}
	return nil
}

// HasSuffix is whether a key ends with suffix, in any case; one that is empty fits
// all.
func HasSuffix(key, suffix string) bool {
	return len(key) >= len(suffix) && strings.EqualFold(key[len(key)-len(suffix):], suffix)
}
