package casapi

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// callBuffer is what each connection buffers in either direction, in bytes: enough for
// headers. Bodies pass by it, and thousands of calls may wait for their answer.
const callBuffer = 1 << 10

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
//   - The proxy is the environment's, as anywhere.
//
// There is no limit on the wait for the answer's header: a parse may take as
// long as Config.Timeout allows.
func newTransport() *http.Transport {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    10 * time.Second,
		MaxIdleConns:           0, // no limit: MaxIdleConnsPerHost is the one
		MaxIdleConnsPerHost:    1024,
		IdleConnTimeout:        20 * time.Second,
		DisableCompression:     true,
		MaxResponseHeaderBytes: 256 << 10,
		ReadBufferSize:         callBuffer,
		WriteBufferSize:        callBuffer,
		Protocols:              &protocols,
	}
}
