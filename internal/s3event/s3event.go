// Package s3event reads notifications of S3 that objects were created: as S3
// itself, EventBridge, MinIO and SNS give them.
//
//	objects, err := s3event.Parse(body)
package s3event

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Object is an object that was created or replaced.
type Object struct {
	Bucket, Key string
	VersionID   string // "" where the bucket keeps none
	ETag        string // without quotes; "" not told
	Size        int64  // bytes; 0 may mean not told
}

// Errors of Parse. Neither their texts nor those that wrap them quote the body.
var (
	// ErrNoEvent means that a body is no notification of S3.
	ErrNoEvent = errors.New("not a notification of S3")
	// ErrIncomplete means that a notification does not tell which object it is about.
	ErrIncomplete = errors.New("notification of S3 without bucket or key")
)

// body is everything that the forms of a notification are told apart by.
type body struct {
	Records *[]record `json:"Records"` // S3, MinIO

	Event string `json:"Event"` // S3, on setting up: s3:TestEvent

	Source     string `json:"source"` // EventBridge: aws.s3
	DetailType string `json:"detail-type"`
	Detail     struct {
		Bucket bucket      `json:"bucket"`
		Object eventObject `json:"object"`
	} `json:"detail"`

	Type    string  `json:"Type"` // SNS: Notification
	Message *string `json:"Message"`
}

type bucket struct {
	Name string `json:"name"`
}

type record struct {
	EventName string `json:"eventName"`
	S3        struct {
		Bucket bucket `json:"bucket"`
		Object struct {
			Key       string `json:"key"`
			Size      int64  `json:"size"`
			ETag      string `json:"eTag"`
			VersionID string `json:"versionId"`
		} `json:"object"`
	} `json:"s3"`
}

type eventObject struct {
	Key       string `json:"key"`
	Size      int64  `json:"size"`
	ETag      string `json:"etag"`
	VersionID string `json:"version-id"`
}

// Parse returns the objects that a notification says were created, in its order.
// There are none in one about deletions, restores and the like, nor in the test
// that S3 sends when notifications are set up. An error matches ErrNoEvent or
// ErrIncomplete.
func Parse(data []byte) ([]Object, error) { return parse(data, true) }

func parse(data []byte, wrapped bool) ([]Object, error) {
	var b body
	if err := json.Unmarshal(data, &b); err != nil {
		return nil, fmt.Errorf("%w: the JSON does not fit", ErrNoEvent) // its own text may quote a key
	}
	switch {
	case b.Records != nil:
		return created(*b.Records)
	case b.Event == "s3:TestEvent":
		return nil, nil
	case b.Source == "aws.s3":
		return fromBridge(b)
	case wrapped && b.Type == "Notification" && b.Message != nil:
		return parse([]byte(*b.Message), false)
	}
	return nil, ErrNoEvent
}

func created(records []record) ([]Object, error) {
	var objects []Object
	for _, r := range records {
		// MinIO says s3:ObjectCreated:Put, S3 leaves the first part out.
		if !strings.HasPrefix(strings.TrimPrefix(r.EventName, "s3:"), "ObjectCreated:") {
			if r.EventName == "" {
				return nil, ErrNoEvent
			}
			continue
		}
		key, err := url.QueryUnescape(r.S3.Object.Key)
		if err != nil {
			return nil, fmt.Errorf("%w: the key is not URL-encoded", ErrIncomplete)
		}
		o := Object{
			Bucket: r.S3.Bucket.Name, Key: key, VersionID: version(r.S3.Object.VersionID), ETag: unquoted(r.S3.Object.ETag), Size: r.S3.Object.Size,
		}
		if o.Bucket == "" || o.Key == "" {
			return nil, ErrIncomplete
		}
		objects = append(objects, o)
	}
	return objects, nil
}

func fromBridge(b body) ([]Object, error) {
	if b.DetailType != "Object Created" {
		return nil, nil
	}
	// Unlike in the other forms, the key is as it is.
	o := Object{
		Bucket: b.Detail.Bucket.Name, Key: b.Detail.Object.Key, VersionID: version(b.Detail.Object.VersionID),
		ETag: unquoted(b.Detail.Object.ETag), Size: b.Detail.Object.Size,
	}
	if o.Bucket == "" || o.Key == "" {
		return nil, ErrIncomplete
	}
	return []Object{o}, nil
}

// HasSuffix is whether a key ends with suffix, in any case; one that is empty fits
// all.
func HasSuffix(key, suffix string) bool {
	return len(key) >= len(suffix) && strings.EqualFold(key[len(key)-len(suffix):], suffix)
}

func unquoted(etag string) string { return strings.Trim(etag, `"`) }

// version leaves out "null", which names no version.
func version(id string) string {
	if id == "null" {
		return ""
	}
	return id
}
