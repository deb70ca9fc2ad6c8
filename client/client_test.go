package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"casflow/client"
	"casflow/internal/storage"
)

func TestNew(t *testing.T) {
	t.Parallel()
	for _, config := range []client.Config{{}, {BaseURL: "casflow:8080", Token: "t"}, {BaseURL: "ftp://h", Token: "t"}, {BaseURL: "http://h"}} {
		if _, err := client.New(config); err == nil {
			t.Errorf("New(%+v) succeeded", config)
		}
	}
}

func TestClient_Errors(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	stranger, err := client.New(client.Config{BaseURL: serverURL, Token: "another"})
	if err != nil {
		t.Fatal(err)
	}
	everybody := []error{client.ErrUnauthorized, client.ErrNotFound, client.ErrRefused, client.ErrTemporary}
	for name, test := range map[string]struct {
		call func(context.Context) error
		want error
	}{
		"Unauthorized": {func(ctx context.Context) error { _, err := stranger.Batch(ctx, "x"); return err }, client.ErrUnauthorized},
		"NoDocument":   {func(ctx context.Context) error { _, err := c.Document(ctx, uuid.NewString()); return err }, client.ErrNotFound},
		"NoBatch":      {func(ctx context.Context) error { _, err := c.Batch(ctx, "a/b c"); return err }, client.ErrNotFound},
		"Refused":      {func(ctx context.Context) error { _, err := c.Submit(ctx, client.Submission{}); return err }, client.ErrRefused},
		"NoPDF": {func(ctx context.Context) error {
			_, err := c.Upload(ctx, strings.NewReader("hello"), client.Upload{})
			return err
		}, client.ErrRefused},
		"Letters": {func(ctx context.Context) (failed error) {
			for _, err := range c.DeadLetters(ctx, client.DeadFilter{Reason: "none"}) {
				failed = errors.Join(failed, err)
			}
			return failed
		}, client.ErrRefused},
		"Stream": {func(ctx context.Context) (failed error) {
			for _, err := range stranger.SubmitAll(ctx, endless(ctx)) {
				failed = errors.Join(failed, err)
			}
			return failed
		}, client.ErrUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := test.call(t.Context())
			for _, other := range everybody {
				if errors.Is(err, other) != (other == test.want) { //nolint:errorlint // identities
					t.Errorf("error %v, want it to match %v alone", err, test.want)
				}
			}
		})
	}
}

// endless gives submissions until ctx ends.
func endless(ctx context.Context) iter.Seq[client.Submission] {
	return func(yield func(client.Submission) bool) {
		for ctx.Err() == nil && yield(client.Submission{Bucket: bucket, Key: "endless.pdf"}) {
			continue
		}
	}
}

// TestClient_Proxy shows what becomes of answers that are none of casflow's.
func TestClient_Proxy(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		body   string
		wait   time.Duration
	}{
		"HTML":      {http.StatusBadGateway, "<html>bad gateway</html>", 7 * time.Second},
		"OtherJSON": {http.StatusServiceUnavailable, `{"message":"no upstream"}`, 7 * time.Second},
		"Redirect":  {http.StatusNotModified, "", 7 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			}))
			t.Cleanup(proxy.Close)
			c, err := client.New(client.Config{BaseURL: proxy.URL + "/casflow/", Token: token, HTTPClient: proxy.Client()})
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Batch(t.Context(), "x")
			problem, ok := errors.AsType[*client.Problem](err)
			if !ok || problem.Status != test.status || problem.RetryAfter != test.wait || problem.Title != http.StatusText(test.status) {
				t.Errorf("error %v, want a problem of status %d", err, test.status)
			}
		})
	}
	t.Run("NoAnswer", func(t *testing.T) {
		t.Parallel()
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
		t.Cleanup(proxy.Close)
		c, err := client.New(client.Config{BaseURL: proxy.URL, Token: token})
		if err != nil {
			t.Fatal(err)
		}
		_, lookErr := c.Document(t.Context(), "x")
		_, sendErr := c.Upload(t.Context(), strings.NewReader("x"), client.Upload{})
		var batchErr error
		for _, err := range c.SubmitAll(t.Context(), endless(t.Context())) {
			batchErr = errors.Join(batchErr, err)
		}
		if lookErr == nil || sendErr == nil || batchErr == nil {
			t.Errorf("errors %v, %v, %v, want one each", lookErr, sendErr, batchErr)
		}
		proxy.Close()
		if _, err := c.Document(t.Context(), "x"); err == nil || strings.Contains(err.Error(), token) {
			t.Errorf("error of a server that is away: %v", err)
		}
	})
}

// TestClient_SubmitAll shows that a batch of more than is under way at once comes
// back whole, and that one which is broken off leaves nothing behind that runs.
func TestClient_SubmitAll(t *testing.T) {
	t.Parallel()
	if err := put(t.Context(), "all.pdf"); err != nil {
		t.Fatal(err)
	}
	c := newClient(t)
	const n = 3000
	submissions := func(yield func(client.Submission) bool) {
		for range n {
			if !yield(client.Submission{Bucket: bucket, Key: "all.pdf"}) {
				return
			}
		}
	}
	line := 0
	for result, err := range c.SubmitAll(t.Context(), submissions) {
		line++
		if err != nil || result.Error != nil || result.Line != line || result.New != (line == 1) {
			t.Fatalf("result %d is %+v, %v", line, result, err)
		}
	}
	if line != n {
		t.Errorf("%d results, want %d", line, n)
	}
	ended := make(chan struct{})
	for _, err := range c.SubmitAll(t.Context(), func(yield func(client.Submission) bool) {
		defer close(ended)
		endless(t.Context())(yield)
	}) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	<-ended
}

func TestClient_Upload_ReaderFails(t *testing.T) {
	t.Parallel()
	fault := errors.New("disk is broken")
	_, err := newClient(t).Upload(t.Context(), io.MultiReader(strings.NewReader("%PDF-1.7"), iotest.ErrReader(fault)), client.Upload{})
	if !errors.Is(err, fault) {
		t.Errorf("Upload() = %v, want the reader's error", err)
	}
}

func TestClient_DeadLetters(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	var want []string
	for n := range 150 { // more than a page
		d := storage.NewDocument{
			ID: uuid.New(), Bucket: bucket, Key: fmt.Sprintf("dead/%d.pdf", n), ETag: "e", Kind: storage.KindSmart, Queue: storage.QueueBulk, Batch: "dead",
		}
		if _, err := ledger.Record(t.Context(), []storage.NewDocument{d}); err != nil {
			t.Fatal(err)
		}
		letter := storage.DeadLetter{DocumentID: d.ID, Reason: storage.ReasonNotAPDF, Message: "made up"}
		if err := ledger.Bury(t.Context(), letter, storage.AttemptEnd{}); err != nil {
			t.Fatal(err)
		}
		want = append(want, d.ID.String())
	}
	var got []string
	for letter, err := range c.DeadLetters(t.Context(), client.DeadFilter{Reason: "not_a_pdf", Batch: "dead"}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, letter.DocumentID)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("letters (-want +got):\n%s", diff)
	}
	for letter, err := range c.DeadLetters(t.Context(), client.DeadFilter{Batch: "dead"}) {
		if err != nil || letter.DocumentID != want[0] {
			t.Errorf("the first letter is %+v, %v", letter, err)
		}
		break
	}
	redriven, err := c.Redrive(t.Context(), client.Redrive{Batch: "dead", Limit: 10, DryRun: true})
	if err != nil || redriven.Documents != 10 || redriven.CreditsAtMost != 10 || redriven.ByReason["not_a_pdf"] != 10 {
		t.Errorf("Redrive(dry run) = %+v, %v, want ten", redriven, err)
	}
	if redriven, err = c.Redrive(t.Context(), client.Redrive{Documents: want[:2], Passwords: []string{"new"}}); err != nil || redriven.Documents != 2 {
		t.Errorf("Redrive() = %+v, %v, want two", redriven, err)
	}
}

func TestClient_ContractNotes(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	if err := put(t.Context(), "notes/1.pdf"); err != nil {
		t.Fatal(err)
	}
	terms := client.Terms{Kind: "contract_note", Broker: "upstox"}
	submitted, err := c.Submit(t.Context(), client.Submission{Bucket: bucket, Key: "notes/1.pdf", Terms: terms})
	if err != nil {
		t.Fatal(err)
	}
	uploaded, err := c.Upload(t.Context(), strings.NewReader("%PDF-1.7 made up"), client.Upload{Key: "notes/2.pdf", Terms: terms})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{submitted.DocumentID, uploaded.DocumentID} {
		got, err := c.Document(t.Context(), id)
		if err != nil || got.Kind != "contract_note" || got.Broker != "upstox" {
			t.Errorf("Document() = %+v, %v, want a contract note of upstox", got, err)
		}
	}
	_, err = c.Submit(t.Context(), client.Submission{Bucket: bucket, Key: "notes/1.pdf", Terms: client.Terms{Broker: "upstox"}})
	if problem, ok := errors.AsType[*client.Problem](err); !ok || len(problem.Errors) != 1 || problem.Errors[0].Field != "broker" {
		t.Errorf("a statement of a broker: %v, want a problem of the field broker", err)
	}
}
