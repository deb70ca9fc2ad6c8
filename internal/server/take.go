package server

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"time"

	"github.com/google/uuid"

	"casflow/client"
	"casflow/internal/record"
	"casflow/internal/redact"
	"casflow/internal/storage"
)

const (
	// ledgerTimeout is how long the ledger has for what a request asks of it.
	ledgerTimeout = 10 * time.Second
	// lookTimeout is how long S3 has to tell of an object.
	lookTimeout = 20 * time.Second
)

// look asks S3 for the object of an item, so that its document has an id.
func (s *Server) look(ctx context.Context, item *record.Item) error {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	pinned := item.Object.VersionID
	info, err := s.Store.Head(ctx, item.Object.Ref)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p := unfit("key", "there is no such object in the bucket")
		p.Reason, p.missing = string(storage.ReasonObjectMissing), true
		return p
	case err != nil:
		return err
	}
	item.Object = info
	item.Object.VersionID = pinned // where none was asked for, the ETag pins the newest
	return nil
}

// taken is what became of one item: a document, or an error.
type taken struct {
	client.Submitted
	id  uuid.UUID
	err error
}

// take records items whose objects are known, and says how their documents stand.
// An error is one of all of them.
func (s *Server) take(ctx context.Context, items []record.Item) ([]taken, error) {
	ctx, cancel := context.WithTimeout(ctx, ledgerTimeout)
	defer cancel()
	documents, err := s.Recorder.Documents(ctx, items)
	if err != nil {
		return nil, err
	}
	all, fresh, err := s.record(ctx, documents)
	if err != nil {
		return nil, err
	}
	if err := s.ask(ctx, all, documents, fresh); err != nil {
		return nil, err
	}
	ids := record.IDs(items)
	submissions, err := s.DB.Submissions(ctx, ids)
	if err != nil {
		return nil, err
	}
	for n, d := range documents {
		standing := submissions[d.ID]
		all[n].Submitted = client.Submitted{
			DocumentID: d.ID.String(), Status: string(standing.Status), New: fresh[d.ID], Bucket: d.Bucket, Key: redact.PANs(d.Key),
			Callback: d.CallbackURL != "" && d.CallbackURL == standing.CallbackURL && standing.Status != storage.StatusParsed,
		}
		delete(fresh, d.ID) // named twice, it is new once
	}
	return all, nil
}

// record writes documents and returns which are new. One that the ledger refuses
// fails none of the others.
func (s *Server) record(ctx context.Context, documents []storage.NewDocument) (all []taken, fresh map[uuid.UUID]bool, err error) {
	all, fresh = make([]taken, len(documents)), make(map[uuid.UUID]bool)
	for n, d := range documents {
		all[n].id = d.ID
	}
	recorded, err := s.DB.Record(ctx, documents)
	if errors.Is(err, storage.ErrRefused) && len(documents) > 1 {
		recorded = nil
		for n, d := range documents {
			one, err := s.DB.Record(ctx, []storage.NewDocument{d})
			switch {
			case errors.Is(err, storage.ErrRefused):
				all[n].err = err
			case err != nil:
				return nil, nil, err
			}
			recorded = append(recorded, one...)
		}
		err = nil
	}
	for _, id := range recorded {
		fresh[id] = true
	}
	return all, fresh, err
}

// ask notes who wants to be told of documents that were known.
func (s *Server) ask(ctx context.Context, all []taken, documents []storage.NewDocument, fresh map[uuid.UUID]bool) error {
	var ids []uuid.UUID
	var urls []string
	for n, d := range documents {
		if d.CallbackURL != "" && !fresh[d.ID] && all[n].err == nil {
			ids, urls = append(ids, d.ID), append(urls, d.CallbackURL)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return s.DB.AskCallbacks(ctx, ids, urls)
}

// takeOne records one item, hands its document to the queue, and answers.
func (s *Server) takeOne(w http.ResponseWriter, r *http.Request, service string, item record.Item) error {
	all, err := s.take(r.Context(), []record.Item{item})
	if err == nil {
		err = all[0].err
	}
	if err != nil {
		s.metrics.submitted(service, outcomeOf(err), 1)
		return err
	}
	one := all[0]
	if one.New {
		s.metrics.submitted(service, outcomeNew, 1)
		if s.hurry.queue(r.Context(), []uuid.UUID{one.id}) {
			one.Status = string(storage.StatusQueued)
		}
	} else {
		s.metrics.submitted(service, outcomeKnown, 1)
	}
	w.Header().Set("Location", "/v1/documents/"+one.DocumentID)
	return respond(w, http.StatusAccepted, one.Submitted)
}

// outcomeOf is how a submission is counted that ended in an error.
func outcomeOf(err error) string {
	if problemOf(err).Status < http.StatusInternalServerError {
		return outcomeRefused
	}
	return outcomeFailed
}
