package server

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"casflow/client"
	"casflow/internal/record"
	"casflow/internal/redact"
	"casflow/internal/storage"
	"casflow/internal/storage/objectstore"
)

// Letters of a page.
const (
	defaultPage = 100
	maxPage     = 1000
)

func (s *Server) getDeadLetters(w http.ResponseWriter, r *http.Request, _ string) error {
	query, err := readQuery(r, "reason", "batch", "limit", "cursor")
	if err != nil {
		return err
	}
	var f faults
	filter := storage.DeadFilter{Reason: readReason(query.Get("reason"), &f), Batch: query.Get("batch"), Limit: defaultPage}
	f.text("batch", filter.Batch, maxBatch, false)
	if text := query.Get("limit"); text != "" {
		if filter.Limit, err = strconv.Atoi(text); err != nil || filter.Limit < 1 || filter.Limit > maxPage {
			f.add("limit", "is not a number from 1 to %d", maxPage)
		}
	}
	if filter.After, err = readCursor(query.Get("cursor")); err != nil {
		f.add("cursor", "is none that was given out here")
	}
	if len(f) > 0 {
		return badFields(f...)
	}
	limit := filter.Limit
	filter.Limit++ // one more tells whether there is another page
	ctx, cancel := context.WithTimeout(r.Context(), ledgerTimeout)
	defer cancel()
	letters, err := s.DB.DeadLetters(ctx, filter)
	if err != nil {
		return err
	}
	page := client.DeadLetters{DeadLetters: []client.DeadLetter{}}
	if len(letters) > limit {
		letters = letters[:limit]
		page.NextCursor = cursorBehind(letters[limit-1])
	}
	for _, l := range letters {
		page.DeadLetters = append(page.DeadLetters, client.DeadLetter{
			DocumentID: l.DocumentID.String(), Reason: string(l.Reason), Message: redact.PANs(l.Message), HTTPStatus: l.HTTPStatus,
			RequestID: l.RequestID, DeadAt: l.DeadAt.UTC(), Bucket: l.Bucket, Key: redact.PANs(l.Key), Batch: redact.PANs(l.Batch),
		})
	}
	return respond(w, http.StatusOK, page)
}

func readReason(text string, f *faults) storage.Reason {
	reason := storage.Reason(text)
	if text != "" && !slices.Contains(storage.Reasons(), reason) {
		var known []string
		for _, r := range storage.Reasons() {
			known = append(known, string(r))
		}
		f.add("reason", "is none of %s", strings.Join(known, ", "))
	}
	return reason
}

// cursorBehind is the place behind a letter, as readCursor reads it.
func cursorBehind(l storage.DeadDocument) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d %s", l.DeadAt.UnixMicro(), l.DocumentID))
}

func readCursor(text string) (cursor storage.DeadCursor, err error) {
	if text == "" {
		return cursor, nil
	}
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return cursor, fmt.Errorf("read cursor: %w", err)
	}
	micros, id, _ := strings.Cut(string(decoded), " ")
	at, err := strconv.ParseInt(micros, 10, 64)
	if err == nil {
		cursor.DeadAt = time.UnixMicro(at) // what Postgres counts in
		cursor.DocumentID, err = uuid.Parse(id)
	}
	if err != nil {
		return cursor, fmt.Errorf("read cursor: %w", err)
	}
	return cursor, nil
}

// redrive is client.Redrive, with secrets that do not print.
type redrive struct {
	Reason    string          `json:"reason"`
	Batch     string          `json:"batch"`
	Documents []string        `json:"documents"`
	Limit     int             `json:"limit"`
	All       bool            `json:"all"`
	Passwords []redact.Secret `json:"passwords"`
	DryRun    bool            `json:"dry_run"`
}

// maxRedriven is how many documents one redrive may name.
const maxRedriven = 1000

// filter reads what chooses. Its error names each field that makes no sense.
func (s *Server) filter(q redrive) (storage.DeadFilter, error) {
	var f faults
	filter := storage.DeadFilter{Reason: readReason(q.Reason, &f), Batch: q.Batch, Limit: q.Limit}
	f.text("batch", q.Batch, maxBatch, false)
	if q.Limit < 0 {
		f.add("limit", "is less than 0")
	}
	if len(q.Documents) > maxRedriven {
		f.add("documents", "are more than %d", maxRedriven)
	}
	for n, text := range q.Documents {
		id, err := uuid.Parse(text)
		if err != nil {
			f.add(fmt.Sprintf("documents.%d", n), "is not the id of a document")
		}
		filter.Documents = append(filter.Documents, id)
		filter.Letters = storage.LettersAll // who names a document means it, even if it was discarded
	}
	if q.Reason == "" && q.Batch == "" && len(q.Documents) == 0 && q.Limit == 0 && !q.All {
		f.add("body", "chooses nothing: give reason, batch, documents or limit, or all")
	}
	s.checkPasswords(q.Passwords, &f)
	if len(q.Passwords) > 0 && len(q.Documents) == 0 {
		f.add("passwords", "need documents that they are for")
	}
	if len(f) > 0 {
		return filter, badFields(f...)
	}
	return filter, nil
}

func (s *Server) postRedrive(w http.ResponseWriter, r *http.Request, _ string) error {
	var q redrive
	if err := readJSON(w, r, &q); err != nil {
		return err
	}
	filter, err := s.filter(q)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), chunkTimeout)
	defer cancel()
	counts, err := s.DB.CountRedrivable(ctx, filter)
	if err != nil {
		return err
	}
	done := client.Redriven{DryRun: q.DryRun, ByReason: map[string]int{}}
	for _, c := range counts {
		done.Documents += c.N
		done.CreditsAtMost += c.Credits
		done.ByReason[string(c.Reason)] = c.N
	}
	if !q.DryRun {
		if done.Documents, err = s.redrive(ctx, filter, q.Passwords); err != nil {
			return err
		}
	}
	return respond(w, http.StatusOK, done)
}

// redrive puts documents back, with new passwords where there are some.
func (s *Server) redrive(ctx context.Context, filter storage.DeadFilter, passwords []redact.Secret) (int, error) {
	if len(passwords) > 0 {
		if err := s.renew(ctx, filter, passwords); err != nil {
			return 0, err
		}
	}
	redriven, err := s.DB.Redrive(ctx, filter)
	if err != nil {
		return 0, err
	}
	s.hurry.forget(ctx, redriven)
	return len(redriven), nil
}

// renew gives documents new passwords.
func (s *Server) renew(ctx context.Context, filter storage.DeadFilter, passwords []redact.Secret) error {
	documents, err := s.DB.Redrivable(ctx, filter)
	if err != nil {
		return err
	}
	ids, items := make([]uuid.UUID, len(documents)), make([]record.Item, len(documents))
	for n, d := range documents {
		ids[n], items[n].Passwords = d.DocumentID, passwords
		items[n].Object.Ref = objectstore.Ref{Bucket: d.Bucket, Key: d.Key}
	}
	sealed, err := s.Recorder.Seal(ctx, ids, items)
	if err != nil {
		return err
	}
	return s.DB.ReplacePasswords(ctx, ids, sealed)
}
