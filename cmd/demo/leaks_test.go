package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/redact"
	"casflow/internal/samples"
	"casflow/internal/storage/storagetest"
)

// secrets are texts that must show nowhere, each with what it is, by how they begin:
// so a text is looked through once, whatever their number.
type secrets map[[secretHead]byte]map[string]string

const secretHead = 4 // bytes; no secret is shorter

// add notes texts of one sort, in the spellings in which they may turn up too.
func (s secrets) add(what string, texts ...string) {
	for _, text := range texts {
		for _, spelling := range []string{text, url.QueryEscape(text), base64.StdEncoding.EncodeToString([]byte(text))} {
			spelling = strings.ToLower(spelling)
			if len(spelling) < secretHead {
				continue
			}
			head := [secretHead]byte([]byte(spelling))
			if s[head] == nil {
				s[head] = make(map[string]string)
			}
			s[head][spelling] = what
		}
	}
}

// shapes are secrets that nobody can note beforehand.
var shapes = map[string]*regexp.Regexp{
	"access token":  regexp.MustCompile(`at_[A-Z2-7]{26}`),
	"presigned URL": regexp.MustCompile(`(?i)X-Amz-(Signature|Security-Token)`),
}

// in tells what of the secrets a text holds, sorted, each sort once.
func (s secrets) in(text string) []string {
	found := make(map[string]bool)
	for what, shape := range shapes {
		found[what] = shape.MatchString(text)
	}
	found["PAN"] = redact.PANs(text) != text
	text = strings.ToLower(text)
	for i := range max(0, len(text)-secretHead+1) {
		for secret, what := range s[[secretHead]byte([]byte(text[i:i+secretHead]))] {
			if strings.HasPrefix(text[i:], secret) {
				found[what] = true
			}
		}
	}
	maps.DeleteFunc(found, func(_ string, is bool) bool { return !is })
	return slices.Sorted(maps.Keys(found))
}

var panShape = regexp.MustCompile(`[A-Z]{5}[0-9]{4}[A-Z]`)

// keepSecret notes texts that must show in nothing that the programs write, but for
// the columns that are made for them.
func (p *pipeline) keepSecret(what string, texts ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.secrets.add(what, texts...)
}

// keepSecretsOf notes what is in a statement: every PAN, joint holders' too.
func (p *pipeline) keepSecretsOf(s sample) {
	p.keepSecret("PAN", s.PAN)
	p.keepSecret("PAN", panShape.FindAllString(string(s.Answer), -1)...)
	p.keepSecret("password", s.Password)
}

// noLeaks is the end of each test: what its programs wrote, its Redis and the texts
// of its ledger hold no secret. A test that has failed may have left no server to ask.
func (p *pipeline) noLeaks() {
	if p.t.Failed() || p.t.Skipped() {
		return
	}
	for _, leak := range p.leaks() {
		p.t.Error(leak)
	}
}

// leaks tells where secrets show, and which, without repeating them.
func (p *pipeline) leaks() []string {
	p.t.Helper()
	ctx := context.WithoutCancel(p.t.Context()) // which is over when the test is
	texts := p.ledgerTexts()
	texts["log"], texts["output"], texts["Redis"] = p.logged(), p.stdout.String(), p.dump(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	var leaks []string
	for _, place := range slices.Sorted(maps.Keys(texts)) {
		for _, what := range p.secrets.in(texts[place]) {
			leaks = append(leaks, fmt.Sprintf("%s holds a secret: %s", place, what))
		}
	}
	return leaks
}

// ledgerTexts are all texts of the ledger by column. Statements are left out, whose
// keys begin with a PAN, and columns that say of a document what only they may.
func (p *pipeline) ledgerTexts() map[string]string {
	p.t.Helper()
	query := storagetest.Rows(p.t, p.url, `
SELECT string_agg(format('SELECT %L, string_agg(%I::text, E''\n'') FROM cas.%I', relname || '.' || attname, attname, relname), ' UNION ALL ')
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'cas'::regnamespace AND c.relkind IN ('r', 'p') AND a.atttypid IN ('text'::regtype, 'jsonb'::regtype)
  AND NOT EXISTS (SELECT FROM pg_index i JOIN pg_attribute k ON k.attrelid = c.oid AND k.attnum = i.indkey[0]
                  WHERE i.indrelid = c.oid AND i.indisprimary AND k.attname = 'pan')
  AND relname || '.' || attname NOT IN ('documents.object_key', 'documents.pan', 'documents.callback_url', 'scan_ranges.after_key', 'scan_ranges.until_key')`)
	texts := make(map[string]string)
	for _, row := range storagetest.Rows(p.t, p.url, query[0][0]) {
		texts[row[0]] = row[1]
	}
	return texts
}

// TestPipeline_LeaksAreFound: the check that every test here ends with does fire.
func TestPipeline_LeaksAreFound(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sandbox.Config{Credits: -1})
	p.putSamples(samples.Options{Investors: 1, Seed: 137})
	p.scan("in/")
	p.drain()
	const pan = "ZZZPZ8888Z"
	p.keepSecret("PAN", pan)
	p.keepSecret("password", "open sesame")
	if got := p.leaks(); len(got) != 0 {
		t.Fatalf("before anything was planted: %q", got)
	}
	long := strings.Repeat("so that Redis would compress it ", 20)
	ctx, redis := t.Context(), p.redis
	for name, test := range map[string]struct {
		plant, remove func()
		want          string
	}{
		"Log": {want: "log holds a secret: API key", plant: func() { _, _ = fmt.Fprintln(p, "calling with "+apiKey) }, remove: func() { p.log.Reset() }},
		"Output": {want: "output holds a secret: access token", plant: func() {
			_, _ = fmt.Fprintln(&p.stdout, "at_ABCDEFGHIJKLMNOPQRSTUVWXYZ")
		}, remove: func() { p.stdout.Reset() }},
		"Link": {want: "log holds a secret: presigned URL", plant: func() {
			_, _ = fmt.Fprintln(p, "GET http://s3/b/k?X-Amz-Signature=0123")
		}, remove: func() { p.log.Reset() }},
		"Text":   {want: "Redis holds a secret: PAN", plant: func() { redis.Set(ctx, "planted", long+"x"+strings.ToLower(pan)+"x"+long, 0) }},
		"Key":    {want: "Redis holds a secret: password", plant: func() { redis.Set(ctx, "planted:open sesame", "", 0) }, remove: func() { redis.Del(ctx, "planted:open sesame") }},
		"Hash":   {want: "Redis holds a secret: password", plant: func() { redis.HSet(ctx, "planted", "member", "open+sesame") }},
		"List":   {want: "Redis holds a secret: password", plant: func() { redis.LPush(ctx, "planted", base64.StdEncoding.EncodeToString([]byte("open sesame"))) }},
		"Set":    {want: "Redis holds a secret: secret key", plant: func() { redis.SAdd(ctx, "planted", secretKey) }},
		"Sorted": {want: "Redis holds a secret: PAN", plant: func() { redis.Do(ctx, "ZADD", "planted", 1, pan) }},
		"Message": {want: "attempts.message holds a secret: PAN", plant: func() {
			storagetest.Rows(t, p.url, `UPDATE cas.attempts SET message = 'refused ZZZPZ9999Z'`)
		}, remove: func() { storagetest.Rows(t, p.url, `UPDATE cas.attempts SET message = NULL`) }},
		"Failure": {want: "schedules.failure holds a secret: S3 key", plant: func() {
			storagetest.Rows(t, p.url, `INSERT INTO cas.schedules (schedule, due_at, failure) VALUES ('s', now(), $1)`, s3Server.SecretKey.Reveal())
		}, remove: func() { storagetest.Rows(t, p.url, `DELETE FROM cas.schedules`) }},
	} {
		test.plant()
		if got := p.leaks(); !slices.Equal(got, []string{test.want}) {
			t.Errorf("%s: found %q, want %q", name, got, test.want)
		}
		if test.remove == nil {
			test.remove = func() { redis.Del(ctx, "planted") }
		}
		test.remove()
	}
}
