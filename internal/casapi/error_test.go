package casapi_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/casapi"
)

func TestClient_Parse_Refused(t *testing.T) {
	t.Parallel()
	const html = "<html><head><title>%s</title><style>body{color:red}</style></head><body><h1>%[1]s</h1><hr>nginx</body></html>"
	tests := []struct {
		name    string
		status  int
		body    string
		want    error
		unknown bool
		code    string
		message string
	}{
		// One of each status, in the shapes that are known.
		{name: "BadRequest", status: 400, body: `{"status":"failed","msg":"Bad request"}`, want: casapi.ErrBadRequest, message: "Bad request"},
		{name: "BadRequestNoFile", status: 400, body: `{"status":"failed","msg":"pdf_file or pdf_url is required, password optional"}`, want: casapi.ErrBadRequest, message: "pdf_file or pdf_url is required, password optional"},
		{name: "BadRequestPassword", status: 400, body: `{"status":"failed","msg":"Could not DECRYPT file"}`, want: casapi.ErrWrongPassword, message: "Could not DECRYPT file"},
		{name: "BadRequestNotPDF", status: 400, body: `{"status":"failed","msg":"Invalid PDF file"}`, want: casapi.ErrNotPDF, message: "Invalid PDF file"},
		{name: "BadRequestWrongType", status: 400, body: `{"status":"failed","msg":"Unable to detect CAS type"}`, want: casapi.ErrUnprocessable, message: "Unable to detect CAS type"},
		{name: "BadRequestDetail", status: 400, body: `{"detail":"Access tokens cannot be used here"}`, want: casapi.ErrBadRequest, message: "Access tokens cannot be used here"},
		{name: "Unauthorized", status: 401, body: `{"status":"error","msg":"Missing header"}`, want: casapi.ErrUnauthorized, message: "Missing header"},
		{name: "UnauthorizedCode", status: 401, body: `{"status":"failed","code":"INVALID_API_KEY","msg":"Nope"}`, want: casapi.ErrUnauthorized, code: "INVALID_API_KEY", message: "Nope"},
		{name: "PaymentRequired", status: 402, body: `{"status":"failed","msg":"Pay"}`, want: casapi.ErrInsufficientCredits, message: "Pay"},
		{name: "PaymentRequiredCode", status: 402, body: `{"status":"failed","code":"INSUFFICIENT_CREDITS","msg":"Pay"}`, want: casapi.ErrInsufficientCredits, code: "INSUFFICIENT_CREDITS", message: "Pay"},
		{name: "Forbidden", status: 403, body: `{"message":"Feature not in your plan"}`, want: casapi.ErrForbidden, message: "Feature not in your plan"},
		{name: "ForbiddenKeyForFeature", status: 403, body: `{"msg":"This API key has no access to the feature"}`, want: casapi.ErrForbidden, message: "This API key has no access to the feature"},
		{name: "ForbiddenQuota", status: 403, body: `{"error":"Monthly quota used up"}`, want: casapi.ErrInsufficientCredits, message: "Monthly quota used up"},
		{name: "ForbiddenLimit", status: 403, body: `{"error":"Usage limit exceeded"}`, want: casapi.ErrInsufficientCredits, message: "Usage limit exceeded"},
		{name: "ForbiddenKey", status: 403, body: `{"status":"error","msg":"Invalid API key"}`, want: casapi.ErrUnauthorized, message: "Invalid API key"},
		{name: "ForbiddenToken", status: 403, body: `{"status":"error","code":"TOKEN_EXPIRED","msg":"Token expired"}`, want: casapi.ErrUnauthorized, code: "TOKEN_EXPIRED", message: "Token expired"},
		{name: "NotFound", status: 404, body: `{"detail":"Not Found"}`, want: casapi.ErrNotFound, message: "Not Found"},
		{name: "MethodNotAllowed", status: 405, body: `{"detail":"Method Not Allowed"}`, want: casapi.ErrBadRequest, message: "Method Not Allowed"},
		{name: "Timeout408", status: 408, want: casapi.ErrUnavailable},
		{name: "Conflict", status: 409, want: casapi.ErrUnavailable},
		{name: "TooLarge", status: 413, body: fmt.Sprintf(html, "413 Request Entity Too Large"), want: casapi.ErrTooLarge, message: "413 Request Entity Too Large 413 Request Entity Too Large nginx"},
		{name: "Unprocessable", status: 422, body: `{"status":"failed","msg":"Cannot read"}`, want: casapi.ErrUnprocessable, message: "Cannot read"},
		{name: "UnprocessablePassword", status: 422, body: `{"status":"failed","code":"INVALID_PASSWORD","msg":"x"}`, want: casapi.ErrWrongPassword, code: "INVALID_PASSWORD", message: "x"},
		{name: "UnprocessablePasswordWords", status: 422, body: `{"status":"failed","msg":"Incorrect password"}`, want: casapi.ErrWrongPassword, message: "Incorrect password"},
		{name: "UnprocessablePDF", status: 422, body: `{"status":"failed","code":"INVALID_PDF","msg":"x"}`, want: casapi.ErrNotPDF, code: "INVALID_PDF", message: "x"},
		{name: "UnprocessableFormat", status: 422, body: `{"status":"failed","code":"UNSUPPORTED_FORMAT","msg":"x"}`, want: casapi.ErrUnprocessable, code: "UNSUPPORTED_FORMAT", message: "x"},
		{name: "UnprocessableSize", status: 422, body: `{"status":"failed","code":"FILE_TOO_LARGE","msg":"x"}`, want: casapi.ErrTooLarge, code: "FILE_TOO_LARGE", message: "x"},
		{name: "UnprocessableSizeWords", status: 422, body: `{"status":"failed","msg":"File size exceeds 10 MB"}`, want: casapi.ErrTooLarge, message: "File size exceeds 10 MB"},
		{name: "RateLimited", status: 429, body: `{"status":"failed","code":"RATE_LIMITED","msg":"Slow down"}`, want: casapi.ErrRateLimited, code: "RATE_LIMITED", message: "Slow down"},
		{name: "RateLimitedEmpty", status: 429, want: casapi.ErrRateLimited},
		{name: "RateLimitedNamesKey", status: 429, body: `{"msg":"Rate limit of this API key exceeded"}`, want: casapi.ErrRateLimited, message: "Rate limit of this API key exceeded"},
		{name: "RateLimitedNamesPace", status: 429, body: `{"msg":"Quota of 60 requests per minute exceeded"}`, want: casapi.ErrRateLimited, message: "Quota of 60 requests per minute exceeded"},
		{name: "RateLimitedQuota", status: 429, body: `{"msg":"Too many requests: monthly quota exceeded"}`, want: casapi.ErrInsufficientCredits, message: "Too many requests: monthly quota exceeded"},
		{name: "ServerError", status: 500, body: `{"status":"failed","msg":"boom"}`, want: casapi.ErrUnavailable, message: "boom"},
		{name: "ServerErrorParsing", status: 500, body: `{"status":"failed","code":"PARSING_ERROR","msg":"password?"}`, want: casapi.ErrUnavailable, code: "PARSING_ERROR", message: "password?"},
		{name: "ServerErrorCredits", status: 500, body: `{"status":"failed","msg":"Insufficient credits"}`, want: casapi.ErrInsufficientCredits, message: "Insufficient credits"},
		{name: "BadGatewayPage", status: 502, body: fmt.Sprintf(html, "502 Bad Gateway"), want: casapi.ErrUnavailable, unknown: true, message: "502 Bad Gateway 502 Bad Gateway nginx"},
		{name: "BadGatewayOwn", status: 502, body: `{"status":"failed","msg":"upstream"}`, want: casapi.ErrUnavailable, message: "upstream"},
		{name: "Unavailable", status: 503, body: "no healthy upstream", want: casapi.ErrUnavailable, message: "no healthy upstream"},
		{name: "GatewayTimeout", status: 504, body: `{"status":"failed","code":"TIMEOUT","msg":"late"}`, want: casapi.ErrUnavailable, unknown: true, code: "TIMEOUT", message: "late"},
		{name: "EdgeTimeout", status: 524, body: "error code: 524", want: casapi.ErrUnavailable, unknown: true, message: "error code: 524"},
		{name: "Redirect", status: 302, body: "", want: casapi.ErrUnavailable},
		{name: "Teapot", status: 418, body: "short and stout", want: casapi.ErrBadRequest, message: "short and stout"},

		// Shapes of bodies.
		{name: "ErrorObject", status: 422, body: `{"error":{"code":"INVALID_PASSWORD","message":"Wrong"}}`, want: casapi.ErrWrongPassword, code: "INVALID_PASSWORD", message: "Wrong"},
		{name: "DetailObject", status: 400, body: `{"detail":{"msg":"Wrong","status":"failed"}}`, want: casapi.ErrBadRequest, message: "Wrong"},
		{name: "DetailList", status: 422, body: `{"detail":[{"loc":["body","kind"],"msg":"field missing","type":"missing"},{"msg":"and more"}]}`, want: casapi.ErrUnprocessable, message: "body; kind: field missing; and more"},
		{name: "MsgFirst", status: 400, body: `{"detail":"d","error":"e","message":"m","msg":"s"}`, want: casapi.ErrBadRequest, message: "s"},
		{name: "MessageSecond", status: 400, body: `{"detail":"d","error":"e","message":"m","msg":""}`, want: casapi.ErrBadRequest, message: "m"},
		{name: "ErrorTrue", status: 400, body: `{"error":true,"detail":"d"}`, want: casapi.ErrBadRequest, message: "d"},
		{name: "InData", status: 400, body: `{"data":{"msg":"inner","code":"INVALID_PDF"}}`, want: casapi.ErrNotPDF, code: "INVALID_PDF", message: "inner"},
		{name: "UnknownMembers", status: 400, body: `{"reason":"why"}`, want: casapi.ErrBadRequest, message: `{"reason":"why"}`},
		{name: "JSONString", status: 400, body: `"just text"`, want: casapi.ErrBadRequest, message: "just text"},
		{name: "CutOffAfterCode", status: 422, body: `{"code":"INVALID_PASSWORD","msg":"The pass`, want: casapi.ErrWrongPassword, code: "INVALID_PASSWORD"},
		{name: "CutOffInMessage", status: 422, body: `{"status":"failed","msg":"The password is`, want: casapi.ErrWrongPassword, message: `{"status":"failed","msg":"The password is`},
		{name: "CutOffPage", status: 503, body: `<html><script>var a = 1;`, want: casapi.ErrUnavailable},
		{name: "UnknownCode", status: 403, body: `{"code":"QUOTA_EXCEEDED"}`, want: casapi.ErrInsufficientCredits, code: "QUOTA_EXCEEDED"},
		{name: "NumberCode", status: 400, body: `{"code":1234,"msg":"x"}`, want: casapi.ErrBadRequest, code: "1234", message: "x"},
		{name: "MarkupAndSpace", status: 400, body: `{"msg":" <b>a</b>\n\t&amp; \u0007 b "}`, want: casapi.ErrBadRequest, message: "a & b"},
		{name: "InvalidUTF8", status: 400, body: "{\"msg\":\"a\xffb\"}", want: casapi.ErrBadRequest, message: "a\ufffdb"},

		// A failure that is called a success.
		{name: "FailedPassword", status: 200, body: `{"status":"failed","msg":"Incorrect password"}`, want: casapi.ErrWrongPassword, message: "Incorrect password"},
		{name: "FailedUnsupported", status: 200, body: `{"status":"failed","msg":"Unsupported file"}`, want: casapi.ErrUnprocessable, message: "Unsupported file"},
		{name: "FailedOther", status: 200, body: `{"status":"Error","message":"Something"}`, want: casapi.ErrUnprocessable, message: "Something"},
		{name: "FailedCode", status: 200, body: `{"status":"failed","code":"INVALID_PDF","msg":"Something"}`, want: casapi.ErrNotPDF, code: "INVALID_PDF", message: "Something"},
		{name: "FailedKey", status: 200, body: `{"status":"failed","msg":"Invalid API key"}`, want: casapi.ErrUnauthorized, message: "Invalid API key"},
		{name: "FailedCredits", status: 200, body: `{"status":"failed","msg":"You have 0 credits left"}`, want: casapi.ErrInsufficientCredits, message: "You have 0 credits left"},
		{name: "FailedInData", status: 200, body: `{"data":{"status":"failed","msg":"Incorrect password"}}`, want: casapi.ErrWrongPassword, message: "Incorrect password"},
		{name: "FailedWithMembers", status: 200, body: `{"status":"failed","msg":"Nothing","meta":{},"mutual_funds":[]}`, want: casapi.ErrUnprocessable, message: "Nothing"},
		{name: "KeyWithoutStatus", status: 200, body: `{"detail":"Invalid API key"}`, want: casapi.ErrUnauthorized, message: "Invalid API key"},
		{name: "CodeWithoutStatus", status: 200, body: `{"code":"RATE_LIMITED"}`, want: casapi.ErrRateLimited, code: "RATE_LIMITED"},
		{name: "Page", status: 200, body: fmt.Sprintf(html, "Maintenance"), want: casapi.ErrUnavailable, unknown: true},
		{name: "Empty", status: 200, want: casapi.ErrUnavailable, unknown: true},
		{name: "NoContent", status: 204, want: casapi.ErrUnavailable, unknown: true},
		{name: "HalfJSON", status: 200, body: unified[:30], want: casapi.ErrUnavailable, unknown: true},
		{name: "TwoValues", status: 200, body: unified + unified, want: casapi.ErrUnavailable, unknown: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client := serve(t, answering(test.status, http.Header{"X-Request-Id": {"req_Answer"}}, test.body))
			answer, err := client.Parse(t.Context(), upload())
			failure := assertClass(t, err, test.want)
			if got := errors.Is(err, casapi.ErrOutcomeUnknown); got != test.unknown {
				t.Errorf("%v: outcome unknown is %t, want %t", err, got, test.unknown)
			}
			if answer != nil {
				t.Errorf("got answer %+v besides the error", answer)
			}
			type facts struct {
				Status                   int
				Code, Message, RequestID string
			}
			want := facts{test.status, test.code, test.message, "req_Answer"}
			got := facts{failure.StatusCode, failure.Code, failure.Message, failure.RequestID}
			if test.status < 300 && test.unknown {
				got.Message = "" // our own words
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if failure.HasRetryAfter {
				t.Error("has a Retry-After that nobody sent")
			}
		})
	}
}

func TestClient_Parse_BadAnswer(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{}`, `[]`, `"meta"`, `null`, `12`, `{"status":"success","msg":"ok"}`, `{"portfolio":{}}`,
		`{"meta":null,"mutual_funds":null}`, `{"meta":"text"}`, `{"data":{"portfolio":1}}`, `{"data":[]}`, `{"Meta":{}}`,
	} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			client := serve(t, answering(200, http.Header{"X-Request-Id": {"req_Answer"}, "X-Credits-Used": {"1.0"}}, body))
			answer, err := client.Parse(t.Context(), upload())
			_ = assertClass(t, err, casapi.ErrBadAnswer)
			if errors.Is(err, casapi.ErrOutcomeUnknown) {
				t.Errorf("%v: outcome is known", err)
			}
			want := &casapi.Answer{Body: []byte(body), StatusCode: 200, RequestID: "req_Answer", CreditsUsed: "1.0"}
			if diff := cmp.Diff(want, answer); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestClient_Parse_LargeBodies(t *testing.T) {
	t.Parallel()
	small := func(c *casapi.Config) { c.MaxAnswerBytes = 1000 }
	answerOf := func(size int) string {
		return `{"meta":{},"x":"` + strings.Repeat("y", size-len(`{"meta":{},"x":""}`)) + `"}`
	}

	t.Run("AtTheCap", func(t *testing.T) {
		t.Parallel()
		client := serve(t, answering(200, nil, answerOf(1000)), small)
		answer, err := client.Parse(t.Context(), upload())
		if err != nil || len(answer.Body) != 1000 {
			t.Fatalf("got %v, %v", answer, err)
		}
	})
	t.Run("OverTheCap", func(t *testing.T) {
		t.Parallel()
		client := serve(t, answering(200, http.Header{"X-Credits-Remaining": {"9"}}, answerOf(1001)), small)
		answer, err := client.Parse(t.Context(), upload())
		_ = assertClass(t, err, casapi.ErrBadAnswer)
		if !errors.Is(err, casapi.ErrOutcomeUnknown) || !strings.Contains(err.Error(), "larger than 1000 bytes") {
			t.Errorf("got error %v", err)
		}
		if answer == nil || answer.Body != nil || answer.CreditsRemaining != "9" {
			t.Errorf("got answer %+v", answer)
		}
	})
	t.Run("EndlessError", func(t *testing.T) {
		t.Parallel()
		client := serve(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusInternalServerError)
			for _, err := io.WriteString(w, "late "); err == nil; _, err = io.WriteString(w, "again ") {
			}
		})
		_, err := client.Parse(t.Context(), upload())
		failure := assertClass(t, err, casapi.ErrUnavailable)
		if len(failure.Message) > 500 || !strings.HasPrefix(failure.Message, "late again again") {
			t.Errorf("got message of %d bytes: %s", len(failure.Message), failure.Message)
		}
	})
}

func TestClient_Parse_RetryAfter(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		header http.Header
		want   time.Duration
		none   bool
	}{
		{name: "Seconds", header: http.Header{"Retry-After": {"7"}}, want: 7 * time.Second},
		{name: "Zero", header: http.Header{"Retry-After": {"0"}}},
		{name: "Fraction", header: http.Header{"Retry-After": {" 1.25 "}}, want: 1250 * time.Millisecond},
		{name: "Milliseconds", header: http.Header{"Retry-After": {"7"}, "Retry-After-Ms": {"250.5"}}, want: 250500 * time.Microsecond},
		{name: "PastDate", header: http.Header{"Retry-After": {"Wed, 21 Oct 2015 07:28:00 GMT"}}},
		{name: "FarDate", header: http.Header{"Retry-After": {"Wed, 21 Oct 2293 07:28:00 GMT"}}, want: time.Hour},
		{name: "TooLong", header: http.Header{"Retry-After": {"86400"}}, want: time.Hour},
		{name: "Absurd", header: http.Header{"Retry-After": {"999999999999999999"}}, want: time.Hour},
		{name: "Negative", header: http.Header{"Retry-After": {"-3"}}, none: true},
		{name: "Hours", header: http.Header{"Retry-After": {"1h30"}}, none: true},
		{name: "Nonsense", header: http.Header{"Retry-After": {"soon"}, "Retry-After-Ms": {"1e3"}}, none: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client := serve(t, answering(429, test.header, ""))
			_, err := client.Parse(t.Context(), upload())
			failure := assertClass(t, err, casapi.ErrRateLimited)
			if failure.RetryAfter != test.want || failure.HasRetryAfter == test.none {
				t.Errorf("got %s, %t, want %s, %t", failure.RetryAfter, failure.HasRetryAfter, test.want, !test.none)
			}
		})
	}
}

func TestError_Error(t *testing.T) {
	t.Parallel()
	failure := &casapi.Error{
		Endpoint: casapi.SmartParse, StatusCode: 504, Code: "TIMEOUT", Message: "late", RequestID: "req_1",
		Class: casapi.ErrUnavailable, OutcomeUnknown: true, Err: errors.New("not to be printed"),
	}
	want := "/v4/smart/parse: unavailable, outcome unknown: status 504 TIMEOUT: late (request req_1)"
	if got := failure.Error(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := new(casapi.Error).Error(); got != "failed" {
		t.Errorf("zero error: got %q", got)
	}
}
