package devstack

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports are taken below the ephemeral range of Linux (32768 and up). In it, any
// outgoing connection may take a server's port while the server is down for a
// restart; a client that keeps trying may even be connected to itself.
const firstPort, lastPort = 15000, 32000

// portAttempts is how many ports are tried before giving up.
const portAttempts = 20

// errAddressInUse means that the port was free when looked at and taken when the
// server wanted it.
var errAddressInUse = errors.New("port was taken meanwhile")

// freePort returns a port of 127.0.0.1 that nobody listens on right now.
func freePort(ctx context.Context) (int, error) {
	var refused error
	for range portAttempts {
		if err := ctx.Err(); err != nil {
			return 0, fmt.Errorf("find a free port: %w", err)
		}
		port := firstPort + rand.IntN(lastPort-firstPort) //nolint:gosec // a port is no secret
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", loopback(port))
		if err != nil {
			refused = err
			continue
		}
		if err := listener.Close(); err != nil {
			return 0, fmt.Errorf("find a free port: %w", err)
		}
		return port, nil
	}
	return 0, fmt.Errorf("find a free port: %w", refused)
}

// FreeAddr is a loopback address that nobody listened on a moment ago.
func FreeAddr(ctx context.Context) (string, error) {
	port, err := freePort(ctx)
	if err != nil {
		return "", err
	}
	return loopback(port), nil
}

// onFreePort calls start with one free port after the other until one is not
// taken from under it.
func onFreePort(ctx context.Context, start func(port int) error) error {
	for attempt := 1; ; attempt++ {
		port, err := freePort(ctx)
		if err != nil {
			return err
		}
		if err = start(port); !errors.Is(err, errAddressInUse) || attempt == portAttempts {
			return err
		}
	}
}

// loopback is the address of a port on this machine.
func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
