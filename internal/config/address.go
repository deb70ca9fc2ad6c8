package config

import (
	"errors"
	"net/url"
	"strconv"
	"strings"

	"casflow/internal/redact"
)

// address is a URL taken apart as far as is needed to check and to show it.
// net/url would not do: libpq takes URLs that it refuses (a socket's directory in
// place of the host, percent-encoded), and its errors repeat the password.
type address struct {
	scheme, hosts, path string
	query               string
}

var (
	errNoURL   = errors.New("is not a URL")
	errEncode  = errors.New("has an @ where the path is; write / ? # and @ in user and password percent-encoded")
	errPort    = errors.New("has a port that is not a number from 1 to 65535")
	errNoHosts = errors.New("names no host")
)

// splitAddress takes a URL apart. Its errors never quote it.
func splitAddress(text string) (address, error) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || scheme == "" {
		return address{}, errNoURL
	}
	rest, query, _ := strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(rest, "/")
	if strings.Contains(path, "@") {
		return address{}, errEncode
	}
	a := address{scheme: scheme, hosts: authority[strings.LastIndex(authority, "@")+1:], path: path, query: query}
	for host := range strings.SplitSeq(a.hosts, ",") {
		port := host[strings.LastIndex(host, "]")+1:] // behind an IPv6 address
		if _, port, given := strings.Cut(port, ":"); given && port != "" && !isPort(port) {
			return address{}, errPort
		}
	}
	return a, nil
}

func isPort(text string) bool {
	port, err := strconv.Atoi(text)
	return err == nil && port >= 1 && port <= 65535
}

// WithoutCredentials is a URL as it may be shown: without user, password and
// parameters; not at all if it cannot be told where the password ends.
func WithoutCredentials(secret redact.Secret) string {
	a, err := splitAddress(secret.Reveal())
	if err != nil || strings.Contains(a.query, "@") {
		return secret.String()
	}
	shown := a.scheme + "://" + a.hosts
	if a.path != "" {
		shown += "/" + strings.TrimSuffix(a.path, "/")
	}
	return shown
}

// checkEndpoint says what is wrong with the URL of an HTTP service.
func checkEndpoint(variable, flag, text string) error {
	u, err := url.Parse(text)
	shown := WithoutCredentials(redact.Secret(text))
	if shown == redact.Secret(text).String() && !strings.Contains(text, "@") {
		shown = quote(text)
	}
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return fault(variable, flag, "is %s; expected http://HOST:PORT or https://HOST", shown)
	case u.User != nil, u.RawQuery != "", u.Fragment != "":
		return fault(variable, flag, "is %s with a user, parameters or a fragment; leave them out", shown)
	}
	return nil
}
