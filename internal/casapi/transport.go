package casapi

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// callBuffer is what each connection buffers in either direction, in bytes: enough for
// headers. Bodies pass by it, and thousands of calls may wait for their answer.
const callBuffer = 1 << 10

// sendBuffer is what may be under way on a connection, in bytes: sent to a server
// 30 ms away, a megabyte takes 0.2 s. Linux reserves twice as much for its own needs,
// and takes no more than this without being told so (net.core.wmem_max).
const sendBuffer = 192 << 10

// maxHeader is how long an answer's header may be, in bytes.
const maxHeader = 256 << 10

func dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err //nolint:wrapcheck // the transport's caller knows it as it is
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(sendBuffer) // without it the call takes more memory, no more
	}
	return conn, nil
}

// newTransport returns a transport for many slow, paid calls at once.
//
//   - HTTP/1.1 only: each call has a connection of its own, so that a
//     connection that breaks costs one paid answer and not a hundred, and
//     uploads do not share one flow control window.
//   - Idle connections are many but short-lived. A connection that the other
//     side has already given up fails the call that picks it, possibly with
//     its outcome unknown; 20 s is well below the usual idle limits of servers
//     and load balancers (60 s and up).
//   - No compression: the answer is kept byte for byte, its size is capped as
//     it comes, and the Content-Length shows when it was cut off. (A gzipped
//     answer that comes unasked is still read, see readBody.)
//   - What the system buffers of an upload is bounded. Left to itself it buffers
//     up to 4 MB per connection (Linux), most of a PDF, for as long as the other
//     side does not read.
//   - The proxy is the environment's, as anywhere.
//
// There is no limit on the wait for the answer's header: a parse may take as
// long as Config.Timeout allows.
func newTransport() *http.Transport {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dial,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    10 * time.Second,
		MaxIdleConns:           0, // no limit: MaxIdleConnsPerHost is the one
		MaxIdleConnsPerHost:    1024,
		IdleConnTimeout:        20 * time.Second,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
		ReadBufferSize:         callBuffer,
		WriteBufferSize:        callBuffer,
		Protocols:              &protocols,
	}
}
