package server

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"casflow/client"
	"casflow/internal/storage"
	"casflow/internal/storage/objectstore"
)

func parseID(tb testing.TB, text string) uuid.UUID {
	tb.Helper()
	id, err := uuid.Parse(text)
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

// idOf is the id that every program gives to an object.
func idOf(info objectstore.Info, kind string) string {
	return storage.DocumentID(info.Bucket, info.Key, info.ETag, kind).String()
}

// queued reports whether the task of a document is in Redis.
func (l *lab) queued(tb testing.TB, queue, id string) bool {
	tb.Helper()
	n, err := l.redis.Exists(tb.Context(), "asynq:{"+queue+"}:t:"+id+":1").Result()
	if err != nil {
		tb.Fatal(err)
	}
	return n == 1
}

func TestServer_PostDocument(t *testing.T) {
	t.Parallel()
	l := setup(t, nil)
	object := l.put(t, "in/ZZZPA0001Z.pdf")[0]
	id := idOf(object, "cdsl")
	body := fmt.Sprintf(`{"bucket":%q,"key":"in/ZZZPA0001Z.pdf","kind":"cdsl","queue":"bulk","batch":"desk",
		"password":"hush-1","passwords":["hush-2","hush-1"],"callback_url":%q}`, l.bucket, callbackURL)
	r := l.post(t, "/v1/documents", body)
	want := client.Submitted{DocumentID: id, Status: "queued", New: true, Bucket: l.bucket, Key: "in/ZZ*******Z.pdf", Callback: true}
	if diff := cmp.Diff(want, wanted[client.Submitted](t, r, http.StatusAccepted)); diff != "" {
		t.Errorf("first (-want +got):\n%s", diff)
	}
	if got := r.header.Get("Location"); got != "/v1/documents/"+id {
		t.Errorf("Location is %q", got)
	}
	row := []string{id, "in/ZZZPA0001Z.pdf", "17", "cdsl", "bulk", "desk", "queued", callbackURL, "<null>"}
	const columns = "document_id, object_key, size_bytes, kind, queue, batch, status, callback_url, version_id"
	if diff := cmp.Diff([][]string{row}, l.documents(t, columns)); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
	if got := l.passwords(t, id); got != "hush-1 hush-2" {
		t.Errorf("passwords are %q", got)
	}
	if !l.queued(t, "bulk", id) {
		t.Error("the task is not in Redis")
	}

	// Again it is the same, whatever else it says.
	want.New, want.Callback = false, false
	again := strings.NewReplacer(`"bulk"`, `"interactive"`, "desk", "other", "hush-1", "hush-3", "ended", "other").Replace(body)
	if diff := cmp.Diff(want, wanted[client.Submitted](t, l.post(t, "/v1/documents", again), http.StatusAccepted)); diff != "" {
		t.Errorf("again (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([][]string{row}, l.documents(t, columns)); diff != "" {
		t.Errorf("document after it was submitted again (-want +got):\n%s", diff)
	}
}

// TestServer_PostDocument_Defaults shows what the least says, and that a service may
// ask to be told of what somebody else has recorded.
func TestServer_PostDocument_Defaults(t *testing.T) {
	t.Parallel()
	l := setup(t, nil)
	l.put(t, "a.pdf")
	body := fmt.Sprintf(`{"bucket":%q,"key":"a.pdf"}`, l.bucket)
	if got := wanted[client.Submitted](t, l.post(t, "/v1/documents", body), http.StatusAccepted); got.Callback || !got.New {
		t.Errorf("got %+v, want a new document that nobody is told of", got)
	}
	want := [][]string{{"smart", "interactive", "<null>", "<null>", "<null>"}}
	if diff := cmp.Diff(want, l.documents(t, "kind, queue, batch, callback_url, sealed_passwords")); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
	body = fmt.Sprintf(`{"bucket":%q,"key":"a.pdf","callback_url":%q}`, l.bucket, callbackURL)
	if got := wanted[client.Submitted](t, l.post(t, "/v1/documents", body), http.StatusAccepted); !got.Callback || got.New {
		t.Errorf("got %+v, want a known document that the service is told of", got)
	}
	if got := l.documents(t, "callback_url"); got[0][0] != callbackURL {
		t.Errorf("callback_url is %q", got[0][0])
	}
}

func TestServer_PostDocument_Bad(t *testing.T) {
	t.Parallel()
	l := setup(t, func(c *Config) { c.Buckets = []string{"other"} })
	l.put(t, "a.pdf")
	good := fmt.Sprintf(`"bucket":%q,"key":"a.pdf"`, l.bucket)
	for name, test := range map[string]struct {
		body   string
		fields []string
		detail string // of the first field, or of all
	}{
		"NoJSON":       {`hush`, nil, "not a JSON object, at byte 0"},
		"CutOff":       {`{"bucket":"hush`, nil, "not a JSON object, at byte 15"},
		"Behind":       {`{` + good + `} {}`, nil, "not a JSON object"},
		"List":         {`[]`, []string{"body"}, "is not an object"},
		"Null":         {`null`, []string{"bucket", "key"}, "is missing"},
		"Empty":        {`{}`, []string{"bucket", "key"}, "is missing"},
		"Unknown":      {`{` + good + `,"bukket":"hush"}`, []string{"bukket"}, "is not known"},
		"UnknownPAN":   {`{` + good + `,"ZZZPA0001Z":1}`, []string{"ZZ*******Z"}, "is not known"},
		"OtherCase":    {`{` + good + `,"Kind":"cdsl"}`, []string{"Kind"}, "is not known"},
		"Twice":        {`{` + good + `,"key":"hush"}`, []string{"key"}, "is given twice"},
		"Number":       {`{"bucket":"b","key":7}`, []string{"key"}, "is not a string"},
		"PasswordType": {`{` + good + `,"passwords":["a",{"hush":1}]}`, []string{"passwords.1"}, "is not a string"},
		"NoList":       {`{` + good + `,"passwords":"hush"}`, []string{"passwords"}, "is not a list"},
		"Bucket":       {`{"bucket":"elsewhere","key":"a.pdf"}`, []string{"bucket"}, "is none of those that are taken here"},
		"Kind":         {`{` + good + `,"kind":"hush"}`, []string{"kind"}, "is none of cams_kfintech, cdsl, contract_note, nsdl, smart"},
		"Broker":       {`{` + good + `,"kind":"contract_note","broker":"hush"}`, []string{"broker"}, "is none of zerodha, groww, upstox, icici"},
		"BrokerOfCAS":  {`{` + good + `,"broker":"zerodha"}`, []string{"broker"}, "goes with kind contract_note only"},
		"Queue":        {`{` + good + `,"queue":"hush"}`, []string{"queue"}, "is neither interactive nor bulk"},
		"Batch":        {`{` + good + `,"batch":"a\nb"}`, []string{"batch"}, "has control characters"},
		"Zero":         {`{"bucket":"other","key":"a\u0000hush"}`, []string{"key"}, "is not text"},
		"LongKey":      {`{"bucket":"other","key":"` + strings.Repeat("x", 1025) + `"}`, []string{"key"}, "is longer than 1024 bytes"},
		"LongPassword": {`{` + good + `,"password":"` + strings.Repeat("x", 257) + `"}`, []string{"passwords.0"}, "is longer than 256 bytes"},
		"Passwords":    {`{` + good + `,"passwords":[""` + strings.Repeat(`,"hush"`, 20) + `]}`, []string{"passwords"}, "are more than 20"},
		"Callback":     {`{` + good + `,"callback_url":"https://evil.example/hush"}`, []string{"callback_url"}, "names a host that is not among CASFLOW_CALLBACK_HOSTS"},
		"Several":      {`{"key":"a","kind":"hush","queue":"hush"}`, []string{"bucket", "kind", "queue"}, "is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := l.post(t, "/v1/documents", test.body).wantProblem(t, http.StatusBadRequest, test.fields...)
			detail := p.Detail
			if len(p.Errors) > 0 {
				detail = p.Errors[0].Detail
			}
			if !strings.Contains(detail, test.detail) {
				t.Errorf("it says %q, want %q", detail, test.detail)
			}
			if got := l.documents(t, "object_key"); len(got) != 0 {
				t.Errorf("%v are recorded", got)
			}
		})
	}
}

func TestServer_PostDocument_Unfit(t *testing.T) {
	t.Parallel()
	l := setup(t, func(c *Config) { c.Recorder.Sealer, c.CheckCallback = nil, nil })
	l.put(t, "a.pdf")
	missing := fmt.Sprintf(`{"bucket":%q,"key":"ZZZPA0001Z.pdf"}`, l.bucket)
	if p := l.post(t, "/v1/documents", missing).wantProblem(t, http.StatusUnprocessableEntity, "key"); p.Reason != "object_missing" {
		t.Errorf("reason is %q", p.Reason)
	}
	l.post(t, "/v1/documents", `{"bucket":"no-such-bucket","key":"a.pdf"}`).wantProblem(t, http.StatusUnprocessableEntity, "key")
	// What this server is not set up for is said of the field.
	both := fmt.Sprintf(`{"bucket":%q,"key":"a.pdf","password":"hush","callback_url":%q}`, l.bucket, callbackURL)
	l.post(t, "/v1/documents", both).wantProblem(t, http.StatusBadRequest, "passwords", "callback_url")
	large := `{"bucket":"` + strings.Repeat("x", maxJSON) + `"}`
	l.post(t, "/v1/documents", large).wantProblem(t, http.StatusRequestEntityTooLarge)
	l.send(t, http.MethodPost, "/v1/documents", strings.NewReader("hush")).wantProblem(t, http.StatusUnsupportedMediaType)
	l.send(t, http.MethodPost, "/v1/documents", strings.NewReader("hush"), "Content-Type: text/plain").wantProblem(t, http.StatusUnsupportedMediaType)
}

func TestServer_GetDocument(t *testing.T) {
	t.Parallel()
	l := setup(t, nil)
	l.put(t, "ZZZPA0001Z.pdf")
	body := fmt.Sprintf(`{"bucket":%q,"key":"ZZZPA0001Z.pdf","batch":"of ZZZPA0001Z","callback_url":%q}`, l.bucket, callbackURL)
	id := wanted[client.Submitted](t, l.post(t, "/v1/documents", body), http.StatusAccepted).DocumentID
	look := func() client.Document {
		t.Helper()
		return wanted[client.Document](t, l.get(t, "/v1/documents/"+id), http.StatusOK)
	}
	times := cmpopts.IgnoreFields(client.Document{}, "CreatedAt", "UpdatedAt", "FinishedAt")
	want := client.Document{
		DocumentID: id, Status: "queued", Bucket: l.bucket, Key: "ZZ*******Z.pdf", SizeBytes: 14, Kind: "smart", Queue: "interactive",
		Batch: "of ZZ*******Z", CreditsSpent: "0",
	}
	if diff := cmp.Diff(want, look(), times); diff != "" {
		t.Errorf("queued (-want +got):\n%s", diff)
	}

	letter := storage.DeadLetter{DocumentID: parseID(t, id), Reason: storage.ReasonUnprocessable, HTTPStatus: 422, Message: "of ZZZPA0001Z"}
	if err := l.db.Bury(t.Context(), letter, storage.AttemptEnd{}); err != nil {
		t.Fatal(err)
	}
	want.Status, want.DeadLetter = "dead", &client.DocumentDeath{Reason: "unprocessable", Message: "of ZZ*******Z", HTTPStatus: 422}
	want.Callback = &client.DocumentCallback{State: "pending"}
	dead := look()
	if diff := cmp.Diff(want, dead, times); diff != "" || dead.FinishedAt == nil {
		t.Errorf("dead (-want +got):\n%s", diff)
	}

	statement := &storage.Statement{
		Key: storage.StatementKey{PAN: "ZZZPA0001Z", PeriodFrom: "2025-04-01", PeriodTo: "2025-04-30", CASType: "NSDL"}, ReceivedAt: time.Now(),
	}
	answer := storage.Answer{DocumentID: letter.DocumentID, Endpoint: "/v4/smart/parse", RequestID: "req_one", Body: []byte("{}"), ReceivedAt: time.Now()}
	if _, err := l.db.Save(t.Context(), answer, statement, storage.AttemptEnd{}); err != nil {
		t.Fatal(err)
	}
	want.Status, want.DeadLetter = "parsed", nil
	want.Statement = &client.DocumentStatement{PAN: "ZZ*******Z", CASType: "NSDL", PeriodFrom: "2025-04-01", PeriodTo: "2025-04-30"}
	if diff := cmp.Diff(want, look(), times); diff != "" {
		t.Errorf("parsed (-want +got):\n%s", diff)
	}
	// Nobody need be told of it any more.
	if got := wanted[client.Submitted](t, l.post(t, "/v1/documents", body), http.StatusAccepted); got.Status != "parsed" || got.Callback {
		t.Errorf("submitted again: %+v, want it parsed, and no callback", got)
	}

	l.get(t, "/v1/documents/"+uuid.NewString()).wantProblem(t, http.StatusNotFound)
	l.get(t, "/v1/documents/hush").wantProblem(t, http.StatusNotFound)
	l.get(t, "/v1/documents/"+id+"?reveal=true").wantProblem(t, http.StatusBadRequest, "reveal")
}
