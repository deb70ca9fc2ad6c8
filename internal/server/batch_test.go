package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/client"
	"casflow/internal/storage/storagetest"
)

const ndjson = "Content-Type: application/x-ndjson"

// batch sends lines and returns the results.
func (l *lab) batch(tb testing.TB, lines string) []client.Result {
	tb.Helper()
	r := l.send(tb, http.MethodPost, "/v1/documents:batch", strings.NewReader(lines), ndjson)
	if r.status != http.StatusOK || r.header.Get("Content-Type") != "application/x-ndjson" {
		tb.Fatalf("status %d: %s", r.status, r.body)
	}
	return readResults(tb, strings.NewReader(r.body))
}

func readResults(tb testing.TB, body io.Reader) []client.Result {
	tb.Helper()
	var results []client.Result
	for decoder := json.NewDecoder(body); ; {
		var result client.Result
		decoder.DisallowUnknownFields()
		err := decoder.Decode(&result)
		if errors.Is(err, io.EOF) {
			return results
		}
		if err != nil {
			tb.Fatal(err)
		}
		results = append(results, result)
	}
}

// lineOf is a line that submits an object.
func (l *lab) lineOf(key, more string) string {
	return fmt.Sprintf(`{"bucket":%q,"key":%q%s}`, l.bucket, key, more) + "\n"
}

// summary is what results say in short: the line, and the status of the document,
// "+" for a new one, or the status of the error and its fields.
func summary(results []client.Result) []string {
	var all []string
	for _, r := range results {
		text := fmt.Sprintf("%d ", r.Line)
		switch {
		case r.Error != nil:
			text += fmt.Sprint(r.Error.Status)
			for _, e := range r.Error.Errors {
				text += " " + e.Field
			}
		case r.New:
			text += r.Status + "+"
		default:
			text += r.Status
		}
		all = append(all, text)
	}
	return all
}

func TestServer_PostBatch(t *testing.T) {
	t.Parallel()
	l := setup(t, nil)
	objects := l.put(t, "a.pdf", "b.pdf", "ZZZPA0001Z.pdf")
	results := l.batch(t, l.lineOf("a.pdf", `,"batch":"night","queue":"bulk","passwords":["hush-1"]`)+
		"\n"+ // a blank line is none, but counts
		`{"bucket":"x","key":"y","page":1}`+"\n"+
		l.lineOf("missing.pdf", "")+
		"not json\n"+
		l.lineOf("a.pdf", "")+
		l.lineOf("b.pdf", `,"kind":"papyrus"`)+
		strings.Repeat("x", maxLine)+"\n"+
		l.lineOf("b.pdf", `,"callback_url":"`+callbackURL+`"`)+
		"  \r\n"+
		strings.TrimSpace(l.lineOf("ZZZPA0001Z.pdf", ""))) // the last line needs no end
	want := []string{
		"1 pending+", "3 400 page", "4 422 key", "5 400", "6 pending", "7 400 kind", "8 400", "9 pending+", "11 pending+",
	}
	if diff := cmp.Diff(want, summary(results)); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	if got := results[8].Submitted; got.DocumentID != idOf(objects[2], "smart") || got.Key != "ZZ*******Z.pdf" {
		t.Errorf("last result is %+v", got)
	}
	if !results[7].Callback || results[0].Callback {
		t.Error("want a callback for the line that asks for one, and no other")
	}
	rows := [][]string{{"ZZZPA0001Z.pdf", "<null>", "interactive"}, {"a.pdf", "night", "bulk"}, {"b.pdf", "<null>", "interactive"}}
	if diff := cmp.Diff(rows, l.documents(t, "object_key, batch, queue")); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
	if got := l.passwords(t, results[0].DocumentID); got != "hush-1" {
		t.Errorf("passwords are %q", got)
	}
	if l.queued(t, "bulk", results[0].DocumentID) {
		t.Error("the dispatcher's window was passed by")
	}
	if results := l.batch(t, ""); len(results) != 0 {
		t.Errorf("an empty batch has the results %v", results)
	}
	l.send(t, http.MethodPost, "/v1/documents:batch", strings.NewReader("{}"), "Content-Type: application/json").
		wantProblem(t, http.StatusUnsupportedMediaType)
}

// TestServer_PostBatch_Large shows that more than a chunk keeps its order, and a cap
// on lines.
func TestServer_PostBatch_Large(t *testing.T) {
	t.Parallel()
	const n = 1234
	l := setup(t, func(c *Config) { c.MaxBatchLines = n })
	l.put(t, "a.pdf")
	line := l.lineOf("a.pdf", "")
	results := l.batch(t, strings.Repeat(line, n))
	if len(results) != n || !results[0].New || results[1].New || results[n-1].Line != n || results[n-1].Error != nil {
		t.Errorf("%d results, want %d in order, the first new", len(results), n)
	}
	results = l.batch(t, strings.Repeat(line, n+1))
	if len(results) != n+1 || results[n-1].Error != nil || results[n].Error == nil || results[n].Error.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("%d results, want the last to be refused", len(results))
	}
}

// TestServer_PostBatch_Refused shows that what the ledger refuses fails none of its
// neighbours.
func TestServer_PostBatch_Refused(t *testing.T) {
	t.Parallel()
	l := setup(t, nil)
	l.put(t, "a.pdf", "b.pdf", "c.pdf")
	storagetest.Rows(t, l.database, `ALTER TABLE cas.documents ADD CONSTRAINT documents_test CHECK (object_key <> 'b.pdf')`)
	results := l.batch(t, l.lineOf("a.pdf", "")+l.lineOf("b.pdf", "")+l.lineOf("c.pdf", ""))
	if diff := cmp.Diff([]string{"1 pending+", "2 422", "3 pending+"}, summary(results)); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}
