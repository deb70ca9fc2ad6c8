package casapi_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"casflow/internal/casapi"
	"casflow/internal/redact"
)

// TestError_Message_Secrets has the API say each secret of the call in each
// form in which it may come back.
func TestError_Message_Secrets(t *testing.T) {
	t.Parallel()
	const (
		odd  = `q"\é <7> &x` // as users choose them
		link = "https://files.example.invalid/in/a.pdf?X-Amz-Signature=0123abcd&x=1"
	)
	tests := []struct {
		name     string
		password redact.Secret
		body     string
		want     string
	}{
		{"Password", testPassword, `{"msg":"cannot open with ` + testPassword + `."}`, "cannot open with [redacted]."},
		{"PasswordUpper", testPassword, `{"msg":"` + strings.ToUpper(testPassword) + `"}`, "[redacted]"},
		{"PasswordLower", testPassword, `{"msg":"` + strings.ToLower(testPassword) + `"}`, "[redacted]"},
		{"PasswordTwice", testPassword, testPassword + testPassword, "[redacted][redacted]"},
		{"PasswordInMarkup", testPassword, `<p title="` + testPassword + `">no</p>` + testPassword, "no [redacted]"},
		{"PasswordOpensMarkup", testPassword, `<b` + testPassword, ""},
		{"OddPassword", odd, `{"msg":"no: q\"\\\u00e9 <7> &x"}`, "no: [redacted]"},
		{"OddPasswordHTML", odd, `<p>no: q&#34;\é &lt;7&gt; &amp;x</p>`, "no: [redacted]"},
		{"OddPasswordURL", odd, `no: q%22%5C%C3%A9+%3C7%3E+%26x`, "no: [redacted]"},
		{"OddPasswordRawJSON", odd, `{"reason":"q\"\\é <7> &x"}`, `{"reason":"[redacted]"}`},
		{"OddPasswordRawASCII", odd, `{"reason":"q\"\\\u00e9 <7> &x"}`, `{"reason":"[redacted]"}`},
		{"SpacedPassword", "two  words", `{"msg":"no: two words"}`, "no: [redacted]"},
		{"PasswordIsPAN", "ZZZPZ0000Z", `{"msg":"tried zzzpz0000z and ZZZPZ0000Z"}`, "tried [redacted] and [redacted]"},
		{"Key", "", `{"msg":"key ` + testKey + ` is not ` + strings.ToUpper("known") + `"}`, "key [redacted] is not KNOWN"},
		{"Link", "", `{"msg":"cannot fetch ` + link + `"}`, "cannot fetch [redacted]"},
		{"LinkPath", "", `{"msg":"GET /in/a.pdf?X-Amz-Signature=0123abcd&x=1 gave 404"}`, "GET [redacted] gave 404"},
		{"LinkQuery", "", `{"msg":"X-Amz-Signature=0123abcd&amp;x=1"}`, "[redacted]"},
		{"OtherPAN", "", `{"msg":"holder ZZZPA0001Z"}`, "holder ZZ*******Z"},
		{"OtherQuery", "", `{"msg":"see https://cdn.example.invalid/a?token=abc#x."}`, "see https://cdn.example.invalid/a?[redacted]"},
		{"OtherCredentials", "", `{"msg":"proxy http://zed:open@10.0.0.1:3128 refused"}`, "proxy http://[redacted]@10.0.0.1:3128 refused"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client := serve(t, answering(400, nil, test.body))
			_, err := client.Parse(t.Context(), casapi.Request{Endpoint: casapi.SmartParse, URL: link, Password: test.password})
			var failure *casapi.Error
			if !errors.As(err, &failure) {
				t.Fatalf("got error %v", err)
			}
			if failure.Message != test.want {
				t.Errorf("got message %q, want %q", failure.Message, test.want)
			}
		})
	}
}

// TestError_Message_Cut: a message is cut at a rune's boundary and after its
// secrets are gone, so that none is half visible.
func TestError_Message_Cut(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, message, want string }{
		{"Fits", strings.Repeat("a", 500), strings.Repeat("a", 500)},
		{"Long", strings.Repeat("a", 501), strings.Repeat("a", 497) + "…"},
		{"InARune", strings.Repeat("a", 496) + "₹₹", strings.Repeat("a", 496) + "…"},
		{"InASecret", strings.Repeat("a ", 245) + testPassword, strings.Repeat("a ", 245) + "[redacted]"},
		{"InAPAN", strings.Repeat("a ", 246) + "ZZZPZ0000Z", strings.Repeat("a ", 246) + "ZZ***…"},
		{"Invisible", "a\u200b\u202eb\u00a0\u2028c\u007f\u0085d", "ab c d"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			body, err := json.Marshal(map[string]string{"msg": test.message})
			if err != nil {
				t.Fatal(err)
			}
			_, err = serve(t, answering(400, nil, string(body))).Parse(t.Context(), upload())
			failure := assertClass(t, err, casapi.ErrBadRequest)
			if failure.Message != test.want || !utf8.ValidString(failure.Message) {
				t.Errorf("got %q, want %q", failure.Message, test.want)
			}
		})
	}
}

// TestError_Fields: code and request id come from outside as well.
func TestError_Fields(t *testing.T) {
	t.Parallel()
	const own = "req_Test0001" // what upload sends
	long := strings.Repeat("A", 100)
	tests := []struct{ name, code, id, wantCode, wantID string }{
		{"Plain", "SOME_CODE", "req_Answer.1-2", "SOME_CODE", "req_Answer.1-2"},
		{"Secret", testPassword, testKey, "[redacted]", "[redacted]"},
		{"PAN", "ZZZPZ0000Z", "ZZZPZ0000Z", "ZZ*******Z", "ZZ*******Z"},
		{"Long", long, long + long, long[:61] + "…", own},
		{"NoID", "<b>A</b>\n", "req <1>", "A", own},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			body, err := json.Marshal(map[string]string{"code": test.code})
			if err != nil {
				t.Fatal(err)
			}
			_, err = serve(t, answering(400, http.Header{"X-Request-Id": {test.id}}, string(body))).Parse(t.Context(), upload())
			failure := assertClass(t, err, casapi.ErrBadRequest)
			if failure.Code != test.wantCode || failure.RequestID != test.wantID {
				t.Errorf("got code %q and id %q, want %q and %q", failure.Code, failure.RequestID, test.wantCode, test.wantID)
			}
		})
	}
}

// TestClient_Parse_Page: a page in place of an answer is quoted, for it comes
// from a proxy; the beginning of a statement is not.
func TestClient_Parse_Page(t *testing.T) {
	t.Parallel()
	const started = "answer of "
	for body, want := range map[string]string{
		"\ufeff <html><h1>Under repair</h1>" + testPassword + "</html>": ": Under repair [redacted]",
		`{"investor":{"name":"Zed Example"`:                             "cut off",
		"Zed Example":                                                   "cut off",
	} {
		_, err := serve(t, answering(200, nil, body)).Parse(t.Context(), upload())
		failure := assertClass(t, err, casapi.ErrUnavailable)
		if got := failure.Message; !strings.HasPrefix(got, started) || !strings.HasSuffix(got, want) {
			t.Errorf("got message %q, want %q at its end", got, want)
		}
	}
}
