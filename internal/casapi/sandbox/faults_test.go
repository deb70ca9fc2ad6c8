package sandbox

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// statuses sends the calls one by one and returns their statuses.
func (b bench) statuses(t *testing.T, calls ...call) []int {
	t.Helper()
	var got []int
	for _, c := range calls {
		got = append(got, b.mustSend(t, c).status)
	}
	return got
}

func TestSandbox_Fail_Order(t *testing.T) {
	t.Parallel()
	ofC, ofN := cdsl(t, 1), nsdl(t, 2)
	c, n, cSum, nSum := ofC.upload(), ofN.upload(), ofC.sum(), ofN.sum()
	toCDSL := func(call Call) bool { return call.Endpoint == CDSLParse }
	with := func(status, times int) Fault { return Fault{Status: status, Times: times} }
	tests := map[string]struct {
		script func(*Sandbox)
		calls  []call
		want   []int
	}{
		"None":    {func(*Sandbox) {}, []call{c}, []int{200}},
		"Nothing": {func(s *Sandbox) { s.FailNext(); s.FailDocument(cSum); s.FailNext(Fault{}) }, []call{c, c}, []int{200, 200}},
		"Next":    {func(s *Sandbox) { s.FailNext(with(500, 0), with(503, 0)) }, []call{c, n, c}, []int{500, 503, 200}},
		"Appended": {
			func(s *Sandbox) { s.FailNext(with(500, 0)); s.FailNext(with(503, 0)) },
			[]call{c, c, c},
			[]int{500, 503, 200},
		},
		"Times":   {func(s *Sandbox) { s.FailNext(with(500, 2), Fault{}, with(502, 1)) }, []call{c, c, c, c, c}, []int{500, 500, 200, 502, 200}},
		"Forever": {func(s *Sandbox) { s.FailNext(with(500, 0), with(503, -1)) }, []call{c, n, c, n}, []int{500, 503, 503, 503}},
		"Document": {
			func(s *Sandbox) { s.FailDocument(cSum, with(500, 0)); s.FailDocument(cSum, with(422, 0)) },
			[]call{n, c, n, c, c},
			[]int{200, 500, 200, 422, 200},
		},
		"NextFirst": {
			func(s *Sandbox) { s.FailDocument(cSum, with(422, 0)); s.FailNext(with(503, 0)) },
			[]call{c, c, c},
			[]int{503, 422, 200},
		},
		"DocumentBeforeWhen": {
			func(s *Sandbox) { s.FailWhen(toCDSL, with(504, -1)); s.FailDocument(cSum, with(422, 0)) },
			[]call{c.at(CDSLParse), c.at(CDSLParse), c},
			[]int{422, 504, 200},
		},
		"When": {
			func(s *Sandbox) {
				s.FailWhen(toCDSL, with(504, 0))
				s.FailWhen(func(c Call) bool { return c.SHA256 == nSum && c.Transport == "multipart" }, with(409, 2))
				s.FailWhen(func(c Call) bool { return c.RequestID == "req_X" }, with(500, 0))
			},
			[]call{n, c.at(CDSLParse), c.at(CDSLParse), n.withID("req_X"), n.withID("req_X"), n},
			[]int{409, 504, 200, 409, 500, 200},
		},
		"RefusedTakesNone": {
			func(s *Sandbox) { s.FailNext(with(503, 0)) },
			[]call{c.withKey("bad"), jsonCall(nil), c, c},
			[]int{401, 400, 503, 200},
		},
		"Cleared": {
			func(s *Sandbox) {
				s.FailNext(with(503, -1))
				s.FailDocument(cSum, with(422, -1))
				s.FailWhen(toCDSL, with(504, -1))
				s.ClearFaults()
			},
			[]call{c.at(CDSLParse)},
			[]int{200},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, Config{Credits: -1})
			tt.script(b.api)
			if diff := cmp.Diff(tt.want, b.statuses(t, tt.calls...)); diff != "" {
				t.Errorf("statuses (-want +got):\n%s", diff)
			}
			billed := 0
			for _, status := range tt.want {
				if status == http.StatusOK {
					billed++
				}
			}
			if got := b.api.Totals(); got != (Count{Calls: len(tt.calls), Billed: billed}) {
				t.Errorf("totals = %+v, want %d billed", got, billed)
			}
		})
	}
}

func TestFault_Answer(t *testing.T) {
	t.Parallel()
	c := cdsl(t, 1)
	tests := map[string]struct {
		fault       Fault
		body        string
		contentType string
		header      [2]string
	}{
		"Default":  {Fault{Status: 503}, `{"status":"failed","msg":"Scripted fault: Service Unavailable"}`, "application/json", [2]string{}},
		"JSON":     {Fault{Status: 200, Body: `{"status":"failed","msg":"no"}`}, `{"status":"failed","msg":"no"}`, "application/json", [2]string{}},
		"HTML":     {Fault{Status: 502, Body: "<html>bad</html>"}, "<html>bad</html>", "text/html; charset=utf-8", [2]string{}},
		"Header":   {Fault{Status: 429, Header: http.Header{"retry-after": {"7"}}}, `{"status":"failed","msg":"Scripted fault: Too Many Requests"}`, "application/json", [2]string{"Retry-After", "7"}},
		"Override": {Fault{Status: 200, Body: "ok", Header: http.Header{"Content-Type": {"text/plain"}, "X-Request-Id": {"req_OTHER"}}}, "ok", "text/plain", [2]string{"X-Request-ID", "req_OTHER"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, Config{Credits: 5})
			b.api.FailNext(tt.fault)
			got := b.mustSend(t, c.upload())
			if got.status != tt.fault.Status || string(got.body) != tt.body || got.header.Get("Content-Type") != tt.contentType {
				t.Errorf("answer = %d %q %q, want %d %q %q", got.status, got.header.Get("Content-Type"), got.body, tt.fault.Status, tt.contentType, tt.body)
			}
			if name, want := tt.header[0], tt.header[1]; got.header.Get(name) != want {
				t.Errorf("%s = %q, want %q", name, got.header.Get(name), want)
			}
			calls := b.api.Calls()
			if len(calls) != 1 || calls[0].Status != tt.fault.Status || calls[0].Billed || calls[0].Cut {
				t.Errorf("calls = %+v, want one with the fault's status, not billed", calls)
			}
		})
	}
}

func TestFault_Billed(t *testing.T) {
	t.Parallel()
	c := cdsl(t, 1)
	wrong := formCall(part{"file", "s.pdf", string(c.pdf)}, part{"password", "", "wrong"})
	tests := map[string]struct {
		fault   Fault
		credits int
		call    call
		status  int
		left    string
		billed  int
	}{
		"GatewayTimeout": {Fault{Status: 504, Billed: true}, 5, c.upload(), 504, "", 1},
		"TrueAnswer":     {Fault{Billed: true, Delay: time.Millisecond}, 5, c.upload(), 200, "4.0", 1},
		"WrongPassword":  {Fault{Status: 504, Billed: true}, 5, wrong, 504, "", 0},
		"WrongType":      {Fault{Status: 504, Billed: true}, 5, c.upload().at(NSDLParse), 504, "", 0},
		"Unbilled":       {Fault{Status: 504}, 5, c.upload(), 504, "", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, Config{Credits: tt.credits})
			b.api.FailNext(tt.fault)
			got := b.mustSend(t, tt.call)
			if got.status != tt.status || got.header.Get("X-Credits-Remaining") != tt.left {
				t.Errorf("status = %d, remaining = %q, want %d and %q", got.status, got.header.Get("X-Credits-Remaining"), tt.status, tt.left)
			}
			if got := b.api.Document(c.sum()); got != (Count{Calls: 1, Billed: tt.billed}) {
				t.Errorf("document = %+v, want %d billed", got, tt.billed)
			}
			if got := b.api.Calls()[0]; got.Status != tt.status || got.Billed != (tt.billed == 1) || got.Credits != Amount(tt.billed)*Credit {
				t.Errorf("call = %+v, want status %d, %d billed", got, tt.status, tt.billed)
			}
		})
	}
}
