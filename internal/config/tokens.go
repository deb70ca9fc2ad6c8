package config

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"casflow/internal/redact"
)

// Tokens are what services identify themselves with. At most one of the fields is
// set; one is required.
type Tokens struct {
	// Tokens are NAME:TOKEN pairs; see Pairs.
	Tokens redact.Secret `name:"api-tokens" env:"CASFLOW_API_TOKENS" help:"NAME:TOKEN for each service that may call, with commas or spaces between them. Prefer the variable or the file: flags show in the process list."`
	// File is the path of a file that holds such pairs, one a line.
	File string `name:"api-tokens-file" env:"CASFLOW_API_TOKENS_FILE" placeholder:"FILE" help:"File that holds NAME:TOKEN, one a line."`
}

// ServiceToken is the token of a service.
type ServiceToken struct {
	Service string
	Token   redact.Secret
}

const (
	maxServices    = 100 // each is a label of metrics
	maxServiceName = 40
)

// Pairs are the tokens. A service may have several, so that they can be changed
// without a gap; a token belongs to one service. The error is a fault of
// configuration and says nothing of the tokens.
func (t Tokens) Pairs() ([]ServiceToken, error) {
	variable, flag, text, err := givenSecret("CASFLOW_API_TOKENS", "api-tokens", t.Tokens, t.File)
	if err != nil {
		return nil, err
	}
	if text == "" {
		return nil, fault(variable, flag, "not set, nor is CASFLOW_API_TOKENS_FILE (--api-tokens-file); give NAME:TOKEN for each service, "+
			"with tokens such as of: openssl rand -hex 32")
	}
	var pairs []ServiceToken
	owners := make(map[redact.Secret]string)
	services := make(map[string]bool)
	for word := range strings.FieldsFuncSeq(text.Reveal(), func(r rune) bool { return r == ',' || r <= ' ' }) {
		pair, err := readPair(word)
		owner, taken := owners[pair.Token]
		switch {
		case err != nil:
		case taken && owner != pair.Service:
			err = fmt.Errorf("has the same token for %s and %s; give each its own", owner, pair.Service)
		}
		if err != nil {
			return nil, fault(variable, flag, "%w", err)
		}
		owners[pair.Token], services[pair.Service] = pair.Service, true
		pairs = append(pairs, pair)
	}
	if len(services) > maxServices {
		return nil, fault(variable, flag, "names %d services; expected at most %d", len(services), maxServices)
	}
	return pairs, nil
}

func readPair(word string) (ServiceToken, error) {
	name, token, ok := strings.Cut(word, ":")
	unfit := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
	}
	switch {
	case !ok || name == "" || token == "":
		return ServiceToken{}, errors.New("has something that is not NAME:TOKEN")
	case len(name) > maxServiceName || strings.ContainsFunc(name, unfit):
		return ServiceToken{}, fmt.Errorf("has a name that is longer than %d characters, or has others than letters, digits, dots, dashes and underscores", maxServiceName)
	case strings.ContainsFunc(token, func(r rune) bool { return r > '~' }):
		return ServiceToken{}, fmt.Errorf("has a token for %s with characters that a header cannot hold", name)
	}
	return ServiceToken{Service: name, Token: redact.Secret(token)}, nil
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (t Tokens) Faults() error {
	_, err := t.Pairs()
	return err
}

// LogValue shows whether there are tokens, and where.
func (t Tokens) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("tokens", t.Tokens), slog.String("file", t.File))
}
