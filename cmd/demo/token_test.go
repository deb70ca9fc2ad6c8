package main

import (
	"net/http"
	"testing"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/samples"
)

// TestPipeline_AccessTokens: with CASPARSER_AUTH=token all calls of a worker share one
// token, and one that the API takes no more costs no document, attempt or credit.
func TestPipeline_AccessTokens(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sandbox.Config{Credits: 20})
	all := p.putSamples(samples.Options{Investors: 6, Seed: 77})
	p.scan("in/")
	p.api.FailDocument(all[2].sum, sandbox.Fault{
		Status: http.StatusForbidden, Body: `{"status":"failed","code":"TOKEN_EXPIRED","msg":"Access token has expired"}`,
	})
	p.drain("--api-auth", "token", "--concurrency", "3")
	if got := p.api.Tokens(); got != 2 {
		t.Errorf("%d tokens were issued, want 2", got)
	}
	for key, fate := range p.fates() {
		if fate.Status != "parsed" || fate.Attempts != 1 {
			t.Errorf("%s ended as %+v, want parsed at the first attempt", key, fate)
		}
	}
	if got := p.api.Totals(); got != (sandbox.Count{Calls: 7, Billed: 6}) {
		t.Errorf("totals %+v, want seven calls, six of them billed", got)
	}
}
