package server

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"golang.org/x/time/rate"

	"casflow/internal/storage"
)

// try is a request that is in order, for each route of the API.
type try struct {
	route, path, body, header string
	status                    int
}

func (l *lab) tries(t *testing.T) []try {
	t.Helper()
	const asJSON = "Content-Type: application/json"
	l.put(t, "a.pdf")
	id := l.bury(t, storage.ReasonTooLarge, "may", "dead.pdf")[0]
	all, header := form(t, "file:"+pdf("x"), "key=a.pdf", "kind=contract_note", "broker=icici", "queue=bulk", "batch=may", "password=hush", "callback_url="+callbackURL)
	return []try{
		{"POST /v1/documents", "/v1/documents", l.lineOf("a.pdf", ""), asJSON, 202},
		{"POST /v1/documents", "/v1/documents", string(all), header, 202},
		{"POST /v1/documents:batch", "/v1/documents:batch", l.lineOf("a.pdf", ""), ndjson, 200},
		{"GET /v1/documents/{id}", "/v1/documents/" + id, "", "", 200},
		{"GET /v1/batches/{id}", "/v1/batches/may", "", "", 200},
		{"GET /v1/dead-letters", "/v1/dead-letters?reason=too_large&batch=may&limit=1&cursor=", "", "", 200},
		{"POST /v1/dead-letters:redrive", "/v1/dead-letters:redrive", `{"all":true}`, asJSON, 200},
		{"POST /v1/s3-events", "/v1/s3-events", `{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"a.pdf","eTag":"e"}}}]}`, asJSON, 200},
		{"GET /openapi.json", "/openapi.json", "", "", 200},
		{"GET /healthz", "/healthz", "", "", 200},
		{"GET /readyz", "/readyz", "", "", 200},
		{"GET /metrics", "/metrics", "", "", 200},
	}
}

// TestOpenAPI_Statuses provokes, on each route, each status that is described for
// it, and finds no other.
func TestOpenAPI_Statuses(t *testing.T) {
	t.Parallel()
	l := setup(t, nil)
	d := readDescription(t, l)
	seen := make(map[string]map[string]bool)
	send := func(on *lab, r try, headers ...string) {
		t.Helper()
		method, _, _ := strings.Cut(r.route, " ")
		var body io.Reader = http.NoBody
		if r.body != "" {
			body = strings.NewReader(r.body)
		}
		if r.header != "" {
			headers = append(headers, r.header)
		}
		got := on.send(t, method, r.path, body, headers...)
		if got.status != r.status {
			t.Errorf("%s %s: status %d, want %d: %s", method, r.path, got.status, r.status, got.body)
		}
		if seen[r.route] == nil {
			seen[r.route] = make(map[string]bool)
		}
		seen[r.route][fmt.Sprint(got.status)] = true
	}
	stopping := setup(t, nil)
	stopping.stopping.Store(true)
	send(stopping, try{route: "GET /readyz", path: "/readyz", status: 503})

	limited := setup(t, func(c *Config) { c.RatePerSecond = 1 })
	limited.limits.rates["billing"] = rate.NewLimiter(rate.Every(time.Hour), 1)
	limited.get(t, "/v1/batches/none")
	broken := setup(t, func(c *Config) { c.DB, c.Store, c.Recorder.Sources = nil, nil, nil })
	away := setup(t, nil)
	away.put(t, "a.pdf")
	tries := l.tries(t)
	for _, r := range tries { // before the ledger is away
		send(l, r)
	}
	away.db.Close()
	for _, r := range tries {
		if l.routes[r.route].public {
			continue
		}
		r.body = strings.ReplaceAll(r.body, l.bucket, away.bucket)
		for _, fault := range []struct {
			on     *lab
			status int
			header string
		}{{l, 401, "Authorization: none"}, {limited, 429, "X-None: none"}, {broken, 500, "X-None: none"}, {away, 503, "X-None: none"}} {
			r.status = fault.status
			send(fault.on, r, fault.header)
		}
	}

	const asJSON = "Content-Type: application/json"
	documents, batch, redrives, events := "/v1/documents", "/v1/documents:batch", "/v1/dead-letters:redrive", "/v1/s3-events"
	other, header := form(t, "file:"+pdf("other"), "key=a.pdf")
	for _, r := range []try{
		{"POST /v1/documents", documents, `{}`, asJSON, 400},
		{"POST /v1/documents", documents, string(other), header, 409},
		{"POST /v1/documents", documents, strings.Repeat(" ", maxJSON+1), asJSON, 413},
		{"POST /v1/documents", documents, `{}`, "Content-Type: text/plain", 415},
		{"POST /v1/documents", documents, l.lineOf("missing.pdf", ""), asJSON, 422},
		{"POST /v1/documents:batch", batch, `{}`, "Content-Type: text/plain", 415},
		{"GET /v1/documents/{id}", documents + "/x?y=z", "", "", 400},
		{"GET /v1/documents/{id}", documents + "/" + uuid.NewString(), "", "", 404},
		{"GET /v1/batches/{id}", "/v1/batches/x?y=z", "", "", 400},
		{"GET /v1/batches/{id}", "/v1/batches/none", "", "", 404},
		{"GET /v1/dead-letters", "/v1/dead-letters?y=z", "", "", 400},
		{"POST /v1/dead-letters:redrive", redrives, `{}`, asJSON, 400},
		{"POST /v1/dead-letters:redrive", redrives, strings.Repeat(" ", maxJSON+1), asJSON, 413},
		{"POST /v1/dead-letters:redrive", redrives, `{}`, "Content-Type: text/plain", 415},
		{"POST /v1/s3-events", events, `{}`, asJSON, 400},
		{"POST /v1/s3-events", events, strings.Repeat(" ", maxEvents+1), asJSON, 413},
	} {
		send(l, r)
	}
	noUploads := setup(t, func(c *Config) { c.UploadBucket = "" })
	send(noUploads, try{"POST /v1/documents", documents, string(other), header, 501})
	forbidden := setup(t, func(c *Config) { c.Store = openStore(t, "not the key") })
	unpinned := strings.Replace(tries[7].body, `,"eTag":"e"`, "", 1) // so that S3 is asked
	send(forbidden, try{"POST /v1/s3-events", events, unpinned, asJSON, 422})

	described := make(map[string]map[string]bool)
	for path, methods := range d.Paths {
		for method, o := range methods {
			statuses := make(map[string]bool)
			for status, response := range o.Responses {
				statuses[status] = true
				if name := strings.TrimPrefix(response.Ref, "#/components/responses/"); response.Ref != "" && name != status {
					t.Errorf("%s %s: %s is described as %s", method, path, status, response.Ref)
				}
			}
			described[strings.ToUpper(method)+" "+path] = statuses
		}
	}
	if diff := cmp.Diff(described, seen); diff != "" {
		t.Errorf("statuses (-described +seen):\n%s", diff)
	}
}
