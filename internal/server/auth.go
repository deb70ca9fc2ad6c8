package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"casflow/internal/redact"
)

// Service is a service that may call, and its token. It may be there several times
// with one token each.
type Service struct {
	Name  string
	Token redact.Secret
}

// tokens are the hashes of tokens by service.
type tokens []hashedToken

type hashedToken struct {
	service string
	hash    [sha256.Size]byte
}

func hashTokens(services []Service) tokens {
	hashed := make(tokens, len(services))
	for n, s := range services {
		hashed[n] = hashedToken{s.Name, sha256.Sum256([]byte(s.Token.Reveal()))}
	}
	return hashed
}

// service is whose token a request has; "" for nobody's. How long that takes tells
// nothing about the tokens.
func (t tokens) service(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		token = ""
	}
	hash := sha256.Sum256([]byte(strings.TrimSpace(token)))
	found := 0 // of the service, plus one
	for n := range t {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(hash[:], t[n].hash[:]), n+1, found)
	}
	if found == 0 {
		return ""
	}
	return t[found-1].service
}
