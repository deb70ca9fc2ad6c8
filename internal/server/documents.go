package server

import (
	"context"
	"mime"
	"net/http"

	"github.com/google/uuid"

	"casflow/client"
	"casflow/internal/redact"
	"casflow/internal/storage"
)

// postDocument takes one document: named by an object of S3, or sent along.
func (s *Server) postDocument(w http.ResponseWriter, r *http.Request, service string) error {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err == nil && media == "application/json":
		return s.postReference(w, r, service)
	case err == nil && media == "multipart/form-data":
		return s.postUpload(w, r, service)
	default:
		return newProblem(http.StatusUnsupportedMediaType, "the body's type is neither application/json nor multipart/form-data")
	}
}

func (s *Server) postReference(w http.ResponseWriter, r *http.Request, service string) error {
	var sub submission
	err := readJSON(w, r, &sub)
	if err != nil {
		s.metrics.submitted(service, outcomeRefused, 1)
		return err
	}
	item, err := s.item(sub)
	if err == nil {
		err = s.look(r.Context(), &item)
	}
	if err != nil {
		s.metrics.submitted(service, outcomeOf(err), 1)
		return err
	}
	return s.takeOne(w, r, service, item)
}

func (s *Server) getDocument(w http.ResponseWriter, r *http.Request, _ string) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	id, err := uuid.Parse(r.PathValue("id"))
	if err != nil {
		return newProblem(http.StatusNotFound, "there is no such document")
	}
	ctx, cancel := context.WithTimeout(r.Context(), ledgerTimeout)
	defer cancel()
	found, err := s.DB.Lookup(ctx, id)
	if err != nil {
		return err
	}
	return respond(w, http.StatusOK, documentOf(found))
}

// documentOf is a document as it may be shown.
func documentOf(d storage.Lookup) client.Document {
	shown := client.Document{
		DocumentID: d.ID.String(), Status: string(d.Status), Bucket: d.Bucket, Key: redact.PANs(d.Key), VersionID: d.VersionID,
		SizeBytes: d.SizeBytes, Kind: d.Kind, Broker: d.Broker, Queue: d.Queue, Batch: redact.PANs(d.Batch),
		CreatedAt: d.CreatedAt.UTC(), UpdatedAt: d.UpdatedAt.UTC(), Attempts: d.Attempts, CreditsSpent: d.Credits,
	}
	if d.FinishedAt != nil {
		shown.FinishedAt = new(d.FinishedAt.UTC())
	}
	switch d.Status {
	case storage.StatusDead:
		shown.DeadLetter = &client.DocumentDeath{
			Reason: string(d.Reason), Message: redact.PANs(d.Message), HTTPStatus: d.HTTPStatus, Discarded: d.DiscardedAt != nil,
		}
	case storage.StatusParsed:
		shown.Statement = &client.DocumentStatement{PAN: redact.PANs(d.PAN), CASType: d.CASType, PeriodFrom: d.PeriodFrom, PeriodTo: d.PeriodTo}
	default:
	}
	if d.CallbackState != "" {
		shown.Callback = &client.DocumentCallback{State: string(d.CallbackState), Attempts: d.CallbackAttempts, HTTPStatus: d.CallbackStatus}
	}
	return shown
}
