package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"casflow/internal/storage/storagetest"
)

// fate is how a document ended.
type fate struct {
	Status, Reason string // Reason "" unless dead
	HTTPStatus     string // of the dead letter; "" none
	Attempts       int    // rows in cas.attempts
}

// fates are the ends of all documents by object key.
func (p *pipeline) fates() map[string]fate {
	p.t.Helper()
	fates := make(map[string]fate)
	for _, row := range storagetest.Rows(p.t, p.url, `
SELECT d.object_key, d.status, coalesce(l.reason, ''), coalesce(l.http_status::text, ''),
       (SELECT count(*) FROM cas.attempts a WHERE a.document_id = d.document_id)
FROM cas.documents d LEFT JOIN cas.dead_letters l ON l.document_id = d.document_id AND l.redriven_at IS NULL`) {
		var attempts int
		if _, err := fmt.Sscan(row[4], &attempts); err != nil {
			p.t.Fatal(err)
		}
		fates[row[0]] = fate{Status: row[1], Reason: row[2], HTTPStatus: row[3], Attempts: attempts}
	}
	return fates
}

// archived holds asynq's archive against the dead documents: each is in both.
func (p *pipeline) archived(fates map[string]fate) {
	p.t.Helper()
	dead := 0
	for _, f := range fates {
		if f.Status == "dead" {
			dead++
		}
	}
	got, err := p.redis.ZCard(p.t.Context(), "asynq:{bulk}:archived").Result()
	if err != nil || int(got) != dead {
		p.t.Errorf("%d tasks in asynq's archive, %v, want the %d dead ones", got, err, dead)
	}
}

// value is the single value that a query gives, as text.
func (p *pipeline) value(sql string, args ...any) string {
	p.t.Helper()
	rows := storagetest.Rows(p.t, p.url, sql, args...)
	if len(rows) != 1 || len(rows[0]) != 1 {
		p.t.Fatalf("%s: %d rows, want one value", sql, len(rows))
	}
	return rows[0][0]
}

func (p *pipeline) number(sql string, args ...any) int {
	p.t.Helper()
	n, err := strconv.Atoi(p.value(sql, args...))
	if err != nil {
		p.t.Fatal(err)
	}
	return n
}

// dump is all that Redis holds, in clear: DUMP would compress long values.
func (p *pipeline) dump(ctx context.Context) string {
	p.t.Helper()
	var b strings.Builder
	keys := p.redis.Scan(ctx, 0, "*", 1_000).Iterator()
	for keys.Next(ctx) {
		key := keys.Val()
		kind, err := p.redis.Type(ctx, key).Result()
		if err != nil {
			p.t.Fatal(err)
		}
		read := map[string][]any{
			"string": {"GET", key}, "hash": {"HGETALL", key}, "list": {"LRANGE", key, 0, -1}, "set": {"SMEMBERS", key},
			"zset": {"ZRANGE", key, 0, -1}, "stream": {"XRANGE", key, "-", "+"}, "none": {"GET", key}, // it has expired since
		}[kind]
		if read == nil {
			p.t.Fatalf("%s: nobody knows how to read a %s", key, kind)
		}
		content, err := p.redis.Do(ctx, read...).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			p.t.Fatal(err)
		}
		fmt.Fprintln(&b, key, content)
	}
	if err := keys.Err(); err != nil {
		p.t.Fatal(err)
	}
	return b.String()
}
