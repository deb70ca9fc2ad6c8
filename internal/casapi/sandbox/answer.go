package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"strings"
)

const (
	jsonType = "application/json"
	htmlType = "text/html; charset=utf-8"
)

// answer is one HTTP answer, ready to be written.
type answer struct {
	status int
	header http.Header // beyond Content-Length
	body   []byte
}

// failed is an answer in the shape of the API's errors: status "failed" and msg,
// with a code where the docs name one.
func failed(status int, code, msg string) *answer {
	return jsonAnswer(status, struct {
		Status string `json:"status"`
		Msg    string `json:"msg"`
		Code   string `json:"code,omitempty"`
	}{"failed", msg, code})
}

func badRequest(msg string) *answer { return failed(http.StatusBadRequest, "", msg) }

// unsupported is the refusal of a sound PDF that is no statement.
func unsupported() *answer {
	return failed(http.StatusUnprocessableEntity, "UNSUPPORTED_FORMAT", "Unsupported format: no CAS statement detected in this file")
}

// detailed is an error in the shape that account calls have (the docs).
func detailed(status int, detail string) *answer {
	return jsonAnswer(status, struct {
		Detail string `json:"detail"`
	}{detail})
}

func jsonAnswer(status int, v any) *answer {
	body, err := json.Marshal(v)
	if err != nil { // only what can be marshalled is ever passed
		panic(fmt.Sprintf("sandbox: marshal answer: %v", err))
	}
	return &answer{status: status, header: http.Header{"Content-Type": {jsonType}}, body: body}
}

// edgeTooLarge is the 413 of a proxy in front of the API: no JSON.
func edgeTooLarge() *answer {
	return &answer{
		status: http.StatusRequestEntityTooLarge,
		header: http.Header{"Content-Type": {htmlType}},
		body: []byte("<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n" +
			"<body>\r\n<center><h1>413 Request Entity Too Large</h1></center>\r\n</body>\r\n</html>\r\n"),
	}
}

// withCredits returns a with the headers that a parse answer has: what was taken
// and what is left, as decimals with one digit. An unlimited account has no
// X-Credits-Remaining.
func (a answer) withCredits(used, left Amount) *answer {
	a.header = a.header.Clone()
	a.header.Set("X-Credits-Used", used.String())
	if left != unlimited {
		a.header.Set("X-Credits-Remaining", left.String())
	}
	return &a
}

// write sends a whole.
func (a *answer) write(w http.ResponseWriter) {
	a.writeFirst(w, len(a.body))
}

// writeFirst announces a whole and sends the first n bytes of it.
func (a *answer) writeFirst(w http.ResponseWriter, n int) {
	h := w.Header()
	maps.Copy(h, a.header)
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	// A client that has gone is no fault of ours.
	_, _ = io.Copy(w, bytes.NewReader(a.body[:min(n, len(a.body))]))
}

// typeOf guesses the Content-Type of a scripted body.
func typeOf(body []byte) string {
	if strings.HasPrefix(string(body), "<") {
		return htmlType
	}
	return jsonType
}

// writeCut sends the first n bytes of a and ends the connection: in order, not by
// a reset, so that the client does get those bytes.
func (a *answer) writeCut(w http.ResponseWriter, n int) {
	a.writeFirst(w, n)
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// cut ends the connection without an answer: by a reset where the connection can
// be taken over (HTTP/1), otherwise as net/http aborts.
func cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	reset(conn)
}

// reset closes conn with an RST instead of a FIN.
func reset(conn net.Conn) {
	inner := conn
	if layered, ok := conn.(interface{ NetConn() net.Conn }); ok { // TLS
		inner = layered.NetConn()
	}
	if tcp, ok := inner.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = inner.Close()
}

// drainLimit bounds what is read of a body that is refused unread.
const drainLimit = 64 << 20

// drain reads what is left of the request's body, so that a client that is still
// sending gets the answer instead of a broken pipe. A client that waits to be
// told to go on (Expect: 100-continue) has sent nothing yet.
func drain(r *http.Request) {
	if r.Body == nil || r.Header.Get("Expect") != "" {
		return
	}
	_, _ = io.CopyN(io.Discard, r.Body, drainLimit)
}

// tooLarge tells whether err is http.MaxBytesReader's.
func tooLarge(err error) bool {
	var limit *http.MaxBytesError
	return errors.As(err, &limit)
}
