package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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
	done, unfit, err := s.takeObjects(r.Context(), service, created)
	if err == nil && errors.Is(unfit, fs.ErrPermission) {
		err = unfit // for the operator to mend; all else is not going to change
	}
	if err != nil {
		return err
	}
	done.Ignored += others
	return respond(w, http.StatusOK, done)
}

// ErrUnfit is what an error of a Source matches where it would not help to tell the
// same again: an object is gone, or casflow may not read it, or its values cannot be
// stored.
var ErrUnfit = errors.New("cannot be recorded")

// Source takes objects that something else than a request tells of: a queue. It may
// be told of them again. An error matches ErrUnfit where that is of no use; all
// others among the objects are recorded then.
type Source func(ctx context.Context, objects []s3event.Object) error

// Source returns what takes the objects of a source, which is counted by its name as
// services are.
func (s *Server) Source(name string) Source {
	s.metrics.expect(name)
	return func(ctx context.Context, objects []s3event.Object) error {
		_, unfit, err := s.takeObjects(ctx, name, objects)
		if err == nil {
			err = unfit
		}
		if err == nil || outcomeOf(err) == outcomeFailed {
			return err
		}
		why := problemOf(err)
		if len(why.Errors) > 0 { // of an object, whose fields are not a caller's
			return fmt.Errorf("%w: %s %s", ErrUnfit, why.Errors[0].Field, why.Errors[0].Detail)
		}
		return fmt.Errorf("%w: %w", ErrUnfit, err)
	}
}

// takeObjects records objects that events tell of. Those that cannot be recorded
// are ignored, and unfit is why, of one of them: one that casflow may not read, if any.
func (s *Server) takeObjects(ctx context.Context, service string, created []s3event.Object) (done client.EventsTaken, unfit, err error) {
	refuse := func(why error) {
		if unfit == nil || errors.Is(why, fs.ErrPermission) {
			unfit = why
		}
		done.Ignored++
		s.metrics.submitted(service, outcomeRefused, 1)
	}
	var items []record.Item
	for _, object := range created {
		item, wanted, err := s.itemOf(ctx, object)
		switch {
		case err != nil && outcomeOf(err) == outcomeRefused:
			refuse(err)
		case err != nil:
			s.metrics.submitted(service, outcomeFailed, 1)
			return done, nil, err
		case wanted:
			items = append(items, item)
		default:
			done.Ignored++
		}
	}
	all, err := s.take(ctx, items)
	if err != nil {
		s.metrics.submitted(service, outcomeOf(err), len(items))
		return done, nil, err
	}
	for _, one := range all {
		switch {
		case one.err != nil:
			refuse(one.err)
		case one.New:
			done.Recorded++
			s.metrics.submitted(service, outcomeNew, 1)
		default:
			done.Known++
			s.metrics.submitted(service, outcomeKnown, 1)
		}
	}
	return done, unfit, nil
}

// itemOf makes an item of an object that an event tells of, if it is one to be
// recorded. Where S3 has to be asked and does not have it, the error is isMissing.
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
	if errors.Is(err, objectstore.ErrChanged) {
		return item, false, nil // another event tells of what it is now
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
