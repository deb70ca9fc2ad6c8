package main

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
)

// proxy stands between a client and a server, and does to their connections what
// networks do.
type proxy struct {
	listener net.Listener
	target   string

	mu      sync.Mutex
	conns   map[net.Conn]bool
	holding chan struct{} // not nil: answers do not come through until it is closed
	hanging int           // answers that did not come through at once, so far
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, target: target, conns: make(map[net.Conn]bool)}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			group.Go(func() { p.serve(context.WithoutCancel(t.Context()), client) })
		}
	})
	t.Cleanup(func() {
		p.release()
		_ = listener.Close()
		p.cut()
		group.Wait()
	})
	return p
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) serve(ctx context.Context, client net.Conn) {
	server, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.target)
	if err != nil {
		_ = client.Close()
		return
	}
	p.mu.Lock()
	p.conns[client], p.conns[server] = true, true
	p.mu.Unlock()
	var group sync.WaitGroup
	group.Go(func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	})
	group.Go(func() {
		_, _ = io.Copy(answers{client, p}, server)
		_ = client.Close()
	})
	group.Wait()
	p.mu.Lock()
	delete(p.conns, client)
	delete(p.conns, server)
	p.mu.Unlock()
}

// answers is their way to the client.
type answers struct {
	net.Conn
	p *proxy
}

func (a answers) Write(b []byte) (int, error) {
	a.p.mu.Lock()
	holding := a.p.holding
	if holding != nil {
		a.p.hanging++
	}
	a.p.mu.Unlock()
	if holding != nil {
		<-holding
	}
	return a.Conn.Write(b)
}

// held is how many answers have hung so far.
func (p *proxy) held() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hanging
}

// cut ends all connections that there are; answers on their way are lost.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		_ = conn.Close()
	}
}

// hold lets no answer through until release.
func (p *proxy) hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.holding == nil {
		p.holding = make(chan struct{})
	}
}

func (p *proxy) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.holding != nil {
		close(p.holding)
		p.holding = nil
	}
}
