package casapi_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"casflow/internal/casapi"
)

// FuzzClient_Ask: whatever is answered to the small calls is either an answer or an
// error of one class.
func FuzzClient_Ask(f *testing.F) {
	calls := retrievals()
	for _, call := range calls {
		f.Add(200, []byte(call.answer))
	}
	for _, body := range []string{
		`{"status":"failed","msg":"Invalid OTP"}`, `{"detail":[{"loc":["body","otp"],"msg":"field required"}]}`, `{"files":[null,1,{"expires_in":1e99}]}`,
		`{"data":{"files":{}},"status":5}`, "\ufeff{\"session_id\":\"\\ud800\"}", `{"requires_reconnect":"TRUE"}`, `[]`, `<html>`, ``,
	} {
		f.Add(400, []byte(body))
		f.Add(401, []byte(body))
		f.Add(200, []byte(body))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 200 || status > 599 {
			return
		}
		client := newClient(t, func(c *casapi.Config) {
			c.Transport = transportFunc(func(*http.Request) (*http.Response, error) {
				return &http.Response{
					StatusCode: status, Header: http.Header{}, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(string(body))),
				}, nil
			})
		})
		for _, call := range calls {
			answer, err := call.call(t.Context(), client)
			var failure *casapi.Error
			switch {
			case err == nil && (answer == nil || status > 299):
				t.Errorf("%s: got %+v of status %d", call.name, answer, status)
			case err != nil && (!errors.As(err, &failure) || failure.Class == nil || len(failure.Message) > 500):
				t.Errorf("%s: got %#v", call.name, err)
			}
		}
	})
}
