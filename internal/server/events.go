package server

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"casflow/client"
	"casflow/internal/record"
	"casflow/internal/s3event"
	"casflow/internal/storage/objectstore"
)

// maxEvents bounds the body of a notification, in bytes.
const maxEvents = 1 << 20

// postEvents takes a notification of S3, EventBridge or a server like S3. What it
// tells of other than new PDFs is ignored: whoever sends it would only send it
// again.
func (s *Server) postEvents(w http.ResponseWriter, r *http.Request, service string) error {
	body, err := readBody(w, r, maxEvents)
	if err != nil {
		return err
	}
	created, others, err := s3event.Parse(body)
	if err != nil {
		return newProblem(http.StatusBadRequest, "%s", err)
	}
	done := client.EventsTaken{Ignored: others}
	var items []record.Item
	for _, object := range created {
		item, wanted, err := s.itemOf(r.Context(), object)
		switch {
		case err != nil:
			return err
		case wanted:
			items = append(items, item)
		default:
			done.Ignored++
		}
	}
	all, err := s.take(r.Context(), items)
	if err != nil {
		s.metrics.submitted(service, outcomeOf(err), len(items))
		return err
	}
	for _, one := range all {
		switch {
		case one.err != nil:
			done.Ignored++
			s.metrics.submitted(service, outcomeRefused, 1)
		case one.New:
			done.Recorded++
			s.metrics.submitted(service, outcomeNew, 1)
		default:
			done.Known++
			s.metrics.submitted(service, outcomeKnown, 1)
		}
	}
	return respond(w, http.StatusOK, done)
}

// itemOf makes an item of an object that an event tells of, if it is one to be
// recorded.
func (s *Server) itemOf(ctx context.Context, object s3event.Object) (item record.Item, wanted bool, err error) {
	var f faults
	f.text("bucket", object.Bucket, maxBucket, true)
	f.text("key", object.Key, maxKey, true)
	if len(f) > 0 || !s.takes(object.Bucket) || !s.named(object.Key) {
		return item, false, nil
	}
	item = record.Item{Kind: s.Events.Kind, Broker: s.Events.Broker, Queue: s.Events.Queue, Batch: s.Events.Batch}
	item.Object = objectstore.Info{
		Ref: objectstore.Ref{Bucket: object.Bucket, Key: object.Key, VersionID: object.VersionID, ETag: object.ETag}, Size: object.Size,
	}
	if object.ETag != "" && object.OtherKey == "" {
		return item, true, nil
	}
	err = s.look(ctx, &item)
	if isMissing(err) && object.OtherKey != "" {
		item.Object.Key = object.OtherKey
		err = s.look(ctx, &item)
	}
	if isMissing(err) || errors.Is(err, objectstore.ErrChanged) {
		return item, false, nil // gone, or another event tells of what it is now
	}
	return item, err == nil, err
}

func isMissing(err error) bool {
	p, ok := errors.AsType[*problem](err)
	return ok && p.missing
}

// named reports whether a key is one of a PDF.
func (s *Server) named(key string) bool {
	return !strings.HasSuffix(key, "/") && s3event.HasSuffix(key, s.Events.Suffix)
}
