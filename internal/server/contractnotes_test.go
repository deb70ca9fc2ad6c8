package server

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/client"
	"casflow/internal/storage"
)

// TestServer_ContractNotes shows that contract notes come in by all ways that there
// are, with their broker where it is told.
func TestServer_ContractNotes(t *testing.T) {
	t.Parallel()
	l := setup(t, func(c *Config) { c.Events.Kind, c.Events.Broker = storage.KindContractNote, "icici" })
	objects := l.put(t, "a.pdf", "b.pdf", "c.pdf", "d.pdf")
	const note = `,"kind":"contract_note"`

	submitted := wanted[client.Submitted](t, l.post(t, "/v1/documents", l.lineOf("a.pdf", note+`,"broker":"zerodha"`)), http.StatusAccepted)
	if got := wanted[client.Document](t, l.get(t, "/v1/documents/"+submitted.DocumentID), http.StatusOK); got.Kind != "contract_note" || got.Broker != "zerodha" {
		t.Errorf("the document is %+v, want a contract note of zerodha", got)
	}
	results := l.batch(t, l.lineOf("b.pdf", note)+l.lineOf("c.pdf", note+`,"broker":"groww"`)+l.lineOf("c.pdf", note+`,"broker":"acme"`)+l.lineOf("c.pdf", `,"broker":"groww"`))
	if diff := cmp.Diff([]string{"1 pending+", "2 pending+", "3 400 broker", "4 400 broker"}, summary(results)); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	l.event(t, records(s3Event("ObjectCreated:Put", objects[3])))
	wanted[client.Submitted](t, l.upload(t, "kind=contract_note", "broker=upstox", "key=e.pdf", "file:"+pdf("made up")), http.StatusAccepted)

	want := [][]string{
		{"a.pdf", "contract_note", "zerodha"},
		{"b.pdf", "contract_note", "<null>"},
		{"c.pdf", "contract_note", "groww"},
		{"d.pdf", "contract_note", "icici"},
		{"uploads/e.pdf", "contract_note", "upstox"},
	}
	if diff := cmp.Diff(want, l.documents(t, "object_key, kind, broker")); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
}
