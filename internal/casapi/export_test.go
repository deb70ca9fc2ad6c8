package casapi

import (
	"crypto/x509"
	"net/http"
	"net/url"
)

// Lone is the transport of calls that wait, which trusts roots and goes through the proxy
// that is chosen.
func Lone(roots *x509.CertPool, proxy func(*http.Request) (*url.URL, error)) http.RoundTripper {
	shared := newTransport()
	shared.Proxy, shared.TLSClientConfig.RootCAs = proxy, roots
	return newLone(shared)
}
