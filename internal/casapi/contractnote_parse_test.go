package casapi_test

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/casapi"
)

// noteUpload is a request with a small PDF.
func noteUpload() casapi.Request {
	request := upload()
	request.Endpoint, request.BrokerType = casapi.ContractNoteParse, "zerodha"
	return request
}

func TestClient_Parse_ContractNote(t *testing.T) {
	t.Parallel()
	fields := map[string]string{}
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		fields["path"] = r.URL.Path
		_, parameters, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		form := multipart.NewReader(r.Body, parameters["boundary"])
		for part, err := form.NextPart(); err == nil; part, err = form.NextPart() {
			content, _ := io.ReadAll(part)
			fields[part.FormName()] = string(content[:min(len(content), 20)])
		}
		answering(200, http.Header{"X-Credits-Used": {"0.5"}}, note)(w, r)
	})
	answer, err := client.Parse(t.Context(), noteUpload())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(answer.Body, []byte(note)) || answer.CreditsUsed != "0.5" {
		t.Errorf("got %+v", answer)
	}
	want := map[string]string{
		"path": "/v4/contract_note/parse", "password": testPassword, "broker_type": "zerodha", "file": "%PDF-1.7 xxxxxxxxxxx",
	}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestClient_Parse_ContractNoteRefused: failures are told apart as those of
// statements are, and only the shape of a contract note is a success.
func TestClient_Parse_ContractNoteRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		status     int
		want       error
		unknown    bool
		kept       bool
	}{
		{name: "WrongPassword", status: 400, body: `{"status":"failed","msg":"Incorrect password"}`, want: casapi.ErrWrongPassword},
		{name: "Broker", status: 400, body: `{"status":"failed","msg":"Unsupported broker"}`, want: casapi.ErrUnprocessable},
		{name: "NotANote", status: 422, body: `{"status":"failed","msg":"This is not a contract note"}`, want: casapi.ErrUnprocessable},
		{name: "NotANote400", status: 400, body: `{"status":"failed","msg":"Not a valid contract note"}`, want: casapi.ErrUnprocessable},
		{name: "Unauthorized", status: 401, body: `{"status":"failed","msg":"Invalid API key"}`, want: casapi.ErrUnauthorized},
		{name: "RateLimited", status: 429, want: casapi.ErrRateLimited},
		{name: "TimedOut", status: 504, want: casapi.ErrUnavailable, unknown: true},
		{name: "Failed", status: 200, body: `{"status":"failed","msg":"Incorrect password","data":{}}`, want: casapi.ErrWrongPassword},
		{name: "FailedWithNote", status: 200, body: strings.Replace(note, "success", "failed", 1), want: casapi.ErrUnprocessable},
		{name: "Page", status: 200, body: `<html>`, want: casapi.ErrUnavailable, unknown: true},
		{name: "CutOff", status: 200, body: note[:70], want: casapi.ErrUnavailable, unknown: true},
		{name: "Statement", status: 200, body: unified, want: casapi.ErrBadAnswer, kept: true},
		{name: "TooDeep", status: 200, body: nestedNote(10_001), want: casapi.ErrBadAnswer, kept: true},
		{name: "NoData", status: 200, body: `{"status":"success","msg":"ok"}`, want: casapi.ErrBadAnswer, kept: true},
		{name: "KeyWithoutStatus", status: 200, body: `{"detail":"Invalid API key"}`, want: casapi.ErrUnauthorized},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			answer, err := serve(t, answering(test.status, nil, test.body)).Parse(t.Context(), noteUpload())
			assertFailed(t, err, test.want, nil, test.unknown)
			if (answer != nil) != test.kept {
				t.Errorf("got answer %+v besides the error", answer)
			}
		})
	}
	t.Run("TooLarge", func(t *testing.T) {
		t.Parallel()
		client := serve(t, answering(200, nil, note), func(c *casapi.Config) { c.MaxAnswerBytes = 10 })
		answer, err := client.Parse(t.Context(), noteUpload())
		assertFailed(t, err, casapi.ErrBadAnswer, nil, true)
		if answer == nil || answer.Body != nil {
			t.Errorf("got answer %+v", answer)
		}
	})
	t.Run("NoteForAStatement", func(t *testing.T) {
		t.Parallel()
		_, err := serve(t, answering(200, nil, note)).Parse(t.Context(), upload())
		assertFailed(t, err, casapi.ErrBadAnswer, nil, false)
	})
}

func TestClient_Parse_ContractNoteFault(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*casapi.Request){
		"broker_type is none of zerodha, groww, upstox, icici": func(r *casapi.Request) { r.BrokerType = "Zerodha" },
		"password is missing: a contract note needs one":       func(r *casapi.Request) { r.Password = "" },
		"a contract note cannot be given by URL": func(r *casapi.Request) {
			r.PDF, r.URL = nil, "https://files.example.invalid/a"
		},
		"broker_type is for contract notes only": func(r *casapi.Request) { r.Endpoint = casapi.SmartParse },
	} {
		client := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("was sent") })
		request := noteUpload()
		change(&request)
		_, err := client.Parse(t.Context(), request)
		if failure := assertClass(t, err, casapi.ErrBadRequest); failure.Message != want {
			t.Errorf("got %q, want %q", failure.Message, want)
		}
	}
}
