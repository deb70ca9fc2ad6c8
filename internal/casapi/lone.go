package casapi

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
)

// lone makes each call on a connection of its own, which ends with it, and waits for
// the answer on the goroutine of the call. http.Transport has two goroutines more for
// each connection; their stacks and buffers are half of what a call takes that waits,
// and thousands may.
//
// It is for calls that send little and wait long: they write all before they read
// anything, and a handshake more is nothing to them. A connection that is never used
// again is also never found closed by the other side, with a call's outcome unknown.
type lone struct {
	shared *http.Transport // dials, and makes the calls that go through a proxy
	tls    *tls.Config
}

func newLone(shared *http.Transport) *lone {
	secure := shared.TLSClientConfig.Clone()
	secure.NextProtos = []string{"http/1.1"}
	secure.ClientSessionCache = tls.NewLRUClientSessionCache(0) // a handshake is short from the second one on
	return &lone{shared: shared, tls: secure}
}

// maxInterim is how many interim answers (1xx) are passed over before the answer.
const maxInterim = 5

// RoundTrip makes the call. The connection is closed with the answer's body.
func (l *lone) RoundTrip(request *http.Request) (*http.Response, error) {
	if proxy, err := l.shared.Proxy(request); proxy != nil || err != nil {
		return l.shared.RoundTrip(request) //nolint:wrapcheck // as the transport's own
	}
	conn, err := l.send(request)
	if err != nil {
		return nil, err
	}
	response, err := receive(conn)
	if err != nil {
		_ = conn.Close() // err is the reason
		return nil, err
	}
	response.Body = &loneBody{ReadCloser: response.Body, conn: conn}
	return response, nil
}

// send connects and sends the request. That takes more stack than waiting does: on a
// goroutine of its own it is not kept.
func (l *lone) send(request *http.Request) (conn *loneConn, err error) {
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		var open net.Conn
		if open, err = l.connect(request); err != nil {
			return
		}
		conn = &loneConn{Conn: open, stop: context.AfterFunc(request.Context(), func() { _ = open.Close() })}
		request.Close = true // the other side need not wait for another one either
		if err = request.Write(open); err != nil {
			_ = conn.Close() // err is the reason
		}
	}()
	<-sent
	return conn, err //nolint:wrapcheck // as the transport's own
}

func (l *lone) connect(request *http.Request) (net.Conn, error) {
	host, port := request.URL.Hostname(), request.URL.Port()
	secure := request.URL.Scheme == "https"
	if port == "" && secure {
		port = "443"
	} else if port == "" {
		port = "80"
	}
	conn, err := l.shared.DialContext(request.Context(), "tcp", net.JoinHostPort(host, port))
	if err != nil || !secure {
		return conn, err //nolint:wrapcheck // as the transport's own
	}
	config := l.tls.Clone()
	config.ServerName = host
	ctx, cancel := context.WithTimeout(request.Context(), l.shared.TLSHandshakeTimeout)
	defer cancel()
	over := tls.Client(conn, config)
	if err := over.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // err is the reason
		return nil, fmt.Errorf("TLS handshake: %w", err)
	}
	return over, nil
}

// receive waits for the answer, its header read.
func receive(conn net.Conn) (*http.Response, error) {
	// A buffer is there once there is something to buffer.
	first := make([]byte, 1)
	if _, err := io.ReadFull(conn, first); err != nil {
		return nil, fmt.Errorf("connection ended before the answer: %w", err)
	}
	header := &io.LimitedReader{R: conn, N: maxHeader}
	reader := bufio.NewReaderSize(io.MultiReader(bytes.NewReader(first), header), callBuffer)
	for range maxInterim + 1 {
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			return nil, fmt.Errorf("read the answer's header: %w", err)
		}
		if response.StatusCode >= http.StatusOK || response.StatusCode == http.StatusSwitchingProtocols {
			header.N = math.MaxInt64
			return response, nil
		}
	}
	return nil, fmt.Errorf("more than %d interim answers", maxInterim)
}

// loneConn is a connection that is closed when the context of its call ends.
type loneConn struct {
	net.Conn
	stop func() bool
}

// Close closes the connection.
func (c *loneConn) Close() error {
	c.stop()
	return c.Conn.Close() //nolint:wrapcheck // as the transport's own
}

// loneBody is an answer's body with which its connection ends.
type loneBody struct {
	io.ReadCloser
	conn *loneConn
}

// Close closes the connection, whatever is left to read.
func (b *loneBody) Close() error { return b.conn.Close() }
