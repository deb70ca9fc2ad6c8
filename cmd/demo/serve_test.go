package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"casflow/client"
	"casflow/cmd/enqueuer/enqueuercli"
	"casflow/internal/casapi/sandbox"
	"casflow/internal/config"
	"casflow/internal/samples"
)

// subscriber is a service that is told of the end of documents.
type subscriber struct {
	secret []byte

	mu   sync.Mutex
	told map[string][]string // types of events by document
	bad  []string            // bodies that are not signed as they should be
}

func (s *subscriber) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	mac := hmac.New(sha256.New, s.secret)
	_, _ = mac.Write([]byte(r.Header.Get("webhook-id") + "." + r.Header.Get("webhook-timestamp") + "." + string(body)))
	s.mu.Lock()
	defer s.mu.Unlock()
	var message struct {
		Type string `json:"type"`
		Data struct {
			DocumentID string `json:"document_id"`
		} `json:"data"`
	}
	if r.Header.Get("webhook-signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) || json.Unmarshal(body, &message) != nil {
		s.bad = append(s.bad, string(body))
	}
	s.told[message.Data.DocumentID] = append(s.told[message.Data.DocumentID], message.Type)
	w.WriteHeader(http.StatusAccepted)
}

// serve runs enqueuer serve until the test ends, and returns a client of it.
func (p *pipeline) serve(args ...string) *client.Client {
	p.t.Helper()
	const token = "token-of-the-portal"
	p.keepSecret("token", token)
	ctx, cancel := context.WithCancel(p.t.Context())
	ended := make(chan int, 1)
	words := append(p.settings("serve", "--addr", "127.0.0.1:0", "--api-tokens", "portal:"+token, "--stop-delay", "0s", "--log-format", "json"), args...)
	go func() { ended <- enqueuercli.Run(ctx, words, &p.stdout, p) }()
	address := p.awaitAddress("API")
	p.t.Cleanup(func() {
		cancel()
		if code := <-ended; code != config.ExitDone {
			p.t.Errorf("enqueuer serve: exit code %d", code)
		}
	})
	c, err := client.New(client.Config{BaseURL: "http://" + address, Token: token})
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

// TestPipeline_Serve: another service uploads PDFs and submits others, and is told
// of the end of each, once, signed.
func TestPipeline_Serve(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sandbox.Config{Credits: -1})
	all := p.putSamples(samples.Options{Investors: 6, Seed: 53})
	p.put("in/text.pdf", []byte("hello"))
	portal := &subscriber{secret: bytes.Repeat([]byte("s"), 32), told: map[string][]string{}}
	hook := httptest.NewServer(portal)
	t.Cleanup(hook.Close)
	hosts := []string{"--callback-hosts", "127.0.0.1", "--callback-private"}
	c := p.serve(append(hosts, "--upload-to", "s3://"+p.bucket+"/uploads")...)

	want := make(map[string][]string)
	uploads, references := all[:3], all[3:]
	for _, s := range uploads {
		terms := client.Terms{Passwords: []string{"another", s.Password}, CallbackURL: hook.URL + "/hush"}
		submitted, err := c.Upload(t.Context(), bytes.NewReader(s.pdf), client.Upload{Terms: terms})
		if err != nil {
			t.Fatal(err)
		}
		want[submitted.DocumentID] = []string{"document.parsed"}
	}
	submissions := []client.Submission{{Bucket: p.bucket, Key: "in/text.pdf", Terms: client.Terms{CallbackURL: hook.URL}}}
	for _, s := range references {
		terms := client.Terms{Passwords: []string{s.Password}, Batch: "night", Queue: "bulk", CallbackURL: hook.URL}
		submissions = append(submissions, client.Submission{Bucket: p.bucket, Key: s.key, Terms: terms})
	}
	for result, err := range c.SubmitAll(t.Context(), slices.Values(submissions)) {
		if err != nil || result.Error != nil {
			t.Fatalf("result %+v, %v", result, err)
		}
		want[result.DocumentID] = []string{"document.parsed"}
		if result.Line == 1 {
			want[result.DocumentID] = []string{"document.dead"}
		}
	}
	secret := "whsec_" + base64.StdEncoding.EncodeToString(portal.secret)
	p.keepSecret("webhook secret", secret, string(portal.secret))
	p.keepSecret("callback URL", "/hush")
	p.drain(append(hosts, "--callback-secret", secret)...)

	portal.mu.Lock()
	told, bad := portal.told, portal.bad
	portal.mu.Unlock()
	for id, events := range want {
		if !slices.Equal(told[id], events) {
			t.Errorf("of document %s was told %v, want %v", id, told[id], events)
		}
		document, err := c.Document(t.Context(), id)
		if err != nil || "document."+document.Status != events[0] || document.Callback == nil || document.Callback.State != "delivered" {
			t.Errorf("document %+v, %v, want it as it was told", document, err)
		}
	}
	if len(told) != len(want) || len(bad) > 0 {
		t.Errorf("told of %d documents, want %d; badly signed: %v", len(told), len(want), bad)
	}
	if batch, err := c.Batch(t.Context(), "night"); err != nil || batch.Documents["parsed"] != len(references) || batch.Left != 0 {
		t.Errorf("batch %+v, %v, want all parsed", batch, err)
	}
	if got := p.api.Totals(); got.Billed != len(all) {
		t.Errorf("calls %+v, want %d billed", got, len(all))
	}
}
