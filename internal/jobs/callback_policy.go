package jobs

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
)

// CallbackPolicy is whom casflow may tell of the end of documents.
type CallbackPolicy struct {
	// Hosts are names that are allowed: a name as it is, or *.NAME for all below it.
	Hosts []string
	// Private allows http, and addresses that only this machine or network reaches.
	Private bool
}

// maxCallbackURL is the longest address that is kept, in bytes.
const maxCallbackURL = 2048

// Check says what is wrong with the address of a callback, without repeating it:
// it may hold a token.
func (p CallbackPolicy) Check(address string) error {
	if len(address) > maxCallbackURL {
		return fmt.Errorf("is longer than %d bytes", maxCallbackURL)
	}
	u, err := url.Parse(address)
	switch {
	case err != nil, u.Hostname() == "", u.Scheme != "https" && u.Scheme != "http":
		return errors.New("is not a URL: expected https://HOST/PATH")
	case u.Scheme == "http" && !p.Private:
		return errors.New("is not https")
	case u.User != nil, u.Fragment != "":
		return errors.New("has a user or a fragment")
	case !p.allows(u.Hostname()):
		return errors.New("names a host that is not among CASFLOW_CALLBACK_HOSTS")
	}
	return nil
}

func (p CallbackPolicy) allows(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	return slices.ContainsFunc(p.Hosts, func(allowed string) bool {
		allowed = strings.ToLower(allowed)
		if below, wildcard := strings.CutPrefix(allowed, "*"); wildcard {
			return len(host) > len(below) && strings.HasSuffix(host, below)
		}
		return host == allowed
	})
}

// errNoPublicAddress keeps a callback from reaching into the network that the
// worker runs in.
var errNoPublicAddress = errors.New("the host's address is none of the public internet")

// control is asked by the dialer about each address before it connects: after the
// host's name was looked up, so that no name can lead elsewhere.
func (p CallbackPolicy) control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("read address: %w", err)
	}
	if inside(at.Addr(), neverPrefixes) || !p.Private && inside(at.Addr(), privatePrefixes) {
		return errNoPublicAddress
	}
	return nil
}

func inside(address netip.Addr, prefixes []netip.Prefix) bool {
	address = address.Unmap().WithZone("")
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(address) })
}

//nolint:gochecknoglobals // constants
var (
	// neverPrefixes hold no service that could be told: clouds give out the
	// credentials of machines at link-local addresses.
	neverPrefixes = prefixes(
		"0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4", // this network, link-local, multicast, reserved
		"::/128", "fe80::/10", "fec0::/10", "ff00::/8", "fd00:ec2::/32", // unspecified, link-local, site-local, multicast, EC2's own
	)
	// privatePrefixes are reached from inside only, or lead there.
	privatePrefixes = prefixes(
		"10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", // private, carriers', loopback
		"192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", // protocols, tests, documentation
		"::1/128", "fc00::/7", "100::/64", "2001::/23", "2001:db8::/32", // loopback, private, discard, protocols, documentation
		"64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "::/96", // IPv4 addresses in IPv6 ones
	)
)

func prefixes(texts ...string) []netip.Prefix {
	parsed := make([]netip.Prefix, len(texts))
	for n, text := range texts {
		parsed[n] = netip.MustParsePrefix(text)
	}
	return parsed
}
