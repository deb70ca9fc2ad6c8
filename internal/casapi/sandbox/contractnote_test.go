package sandbox

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"casflow/internal/samples"
)

// contractNoteOf is a sample contract note.
func contractNoteOf(t *testing.T, investor int) (s statement, broker string) {
	t.Helper()
	n := 0
	for sample := range samples.GenerateContractNotes(samples.Options{Investors: investor, Seed: 5, MinBytes: 20_000, MaxBytes: 40_000}) {
		if n++; n < investor {
			continue
		}
		pdf, err := sample.PDF()
		if err != nil {
			t.Fatal(err)
		}
		return statement{pdf: pdf, answer: sample.Answer, password: sample.Password}, sample.ContractNote.Broker.Type
	}
	t.Fatal("no sample")
	return statement{}, ""
}

func TestSandbox_ContractNote(t *testing.T) {
	t.Parallel()
	note, broker := contractNoteOf(t, 2)
	c := cdsl(t, 1)
	file, password := part{"file", "note.pdf", string(note.pdf)}, part{"password", "", note.password}
	tests := map[string]struct {
		call   call
		status int
		words  string // in msg, in lower case
	}{
		"Form":         {note.upload(), 200, ""},
		"Hint":         {formCall(file, password, part{"broker_type", "", broker}), 200, ""},
		"JSON":         {jsonCall(map[string]any{"pdf_file": note.base64(), "password": note.password, "broker_type": broker}), 200, ""},
		"WrongHint":    {formCall(file, password, part{"broker_type", "", "icici"}), 400, "not a contract note of icici"},
		"UnknownHint":  {formCall(file, password, part{"broker_type", "", "kite"}), 400, "invalid field: broker_type"},
		"NoPassword":   {formCall(file), 400, "field required: password"},
		"WrongOne":     {formCall(file, part{"password", "", "wrong"}), 400, "incorrect password"},
		"ByURL":        {jsonCall(map[string]any{"pdf_url": "https://files.example.invalid/a", "password": "x"}), 400, "pdf_url"},
		"UnknownField": {jsonCall(map[string]any{"pdf_file": note.base64(), "broker": broker}), 400, "unknown field in the request body: broker"},
		"Statement":    {c.upload(), 400, "not a contract note"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, Config{Credits: 5})
			got := b.mustSend(t, tt.call.at(ContractNoteParse).withID("req_A1"))
			if got.status != tt.status {
				t.Fatalf("status = %d: %s", got.status, got.body)
			}
			used, left, credits := "0.0", "5.0", Amount(0)
			if tt.status == http.StatusOK {
				used, left, credits = "0.5", "4.5", Credit/2
				if !bytes.Equal(got.body, note.answer) {
					t.Errorf("body differs from the attachment")
				}
			} else if msg := strings.ToLower(got.failure(t).Msg); !strings.Contains(msg, tt.words) {
				t.Errorf("msg = %q, want one with %q", msg, tt.words)
			}
			if got.header.Get("X-Credits-Used") != used || got.header.Get("X-Credits-Remaining") != left {
				t.Errorf("credits = %q of %q, want %q of %q", got.header.Get("X-Credits-Used"), got.header.Get("X-Credits-Remaining"), used, left)
			}
			if got := b.api.Calls()[0]; got.Credits != credits || got.Billed != (credits > 0) {
				t.Errorf("call = %+v, want %s credits", got, credits)
			}
			if logs := b.usage(t, ""); logs[0].Feature != "contract_note_parser" || string(logs[0].Credits) != used {
				t.Errorf("log = %+v, want %s of contract_note_parser", logs, used)
			}
		})
	}
	for _, path := range []string{SmartParse, CDSLParse} {
		b := setup(t, Config{Credits: -1})
		if got := b.mustSend(t, note.upload().at(path)); got.status < 400 || got.status > 422 {
			t.Errorf("%s: status = %d of a contract note, want a refusal", path, got.status)
		}
	}
}

// Half a credit pays for a contract note, but for no statement.
func TestSandbox_ContractNote_Credits(t *testing.T) {
	t.Parallel()
	note, _ := contractNoteOf(t, 1)
	c := cdsl(t, 1)
	b := setup(t, Config{Credits: 2})
	for i, want := range []struct {
		call   call
		status int
		left   string
	}{
		{note.upload().at(ContractNoteParse), 200, "1.5"},
		{c.upload(), 200, "0.5"},
		{c.upload(), 402, "0.5"},
		{note.upload().at(ContractNoteParse), 200, "0.0"},
		{note.upload().at(ContractNoteParse), 402, "0.0"},
	} {
		got := b.mustSend(t, want.call)
		if left := got.header.Get("X-Credits-Remaining"); got.status != want.status || left != want.left {
			t.Errorf("call %d: status = %d with %q left, want %d with %q", i, got.status, left, want.status, want.left)
		}
	}
}
