package workercli

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"casflow/internal/casapi"
	"casflow/internal/config"
	"casflow/internal/redact"
)

// newAPI makes the client of the API that the settings name. observe is told of each
// call; nil tells nobody.
func newAPI(api config.API, key func() redact.Secret, observe func(casapi.Endpoint, int, time.Duration)) (*casapi.Client, error) {
	return casapi.New(casapi.Config{
		BaseURL: api.BaseURL, APIKey: key, Timeout: api.Timeout, FileField: api.FileField,
		UserAgent: "casflow/" + config.Version(), AccessTokens: api.AccessTokens(), Observe: observe,
	})
}

func (c *doctorCommand) checkAPI(ctx context.Context) []finding {
	key, err := c.API.KeySource()
	if err != nil {
		return []finding{broken("api", err)}
	}
	return apiFindings(ctx, c.API, key)
}

// apiFindings asks for the account's credits, which is free and tells whether the
// key is any good.
func apiFindings(ctx context.Context, api config.API, key func() redact.Secret) []finding {
	client, err := newAPI(api, key, nil)
	if err != nil {
		return []finding{broken("api", err)}
	}
	defer client.CloseIdleConnections()
	credits, err := client.Credits(ctx)
	if err != nil {
		return []finding{refusalFinding(api, err)}
	}
	findings := []finding{good("api", "%s takes the key of %s", api.BaseURL, keySource(api)), creditsFinding(credits)}
	if len(credits.Features) > 0 {
		findings = append(findings, featuresFinding(credits.Features))
	}
	return findings
}

func keySource(api config.API) string {
	if api.KeyFile != "" {
		return "the file " + api.KeyFile
	}
	return "CASPARSER_API_KEY"
}

// refusalFinding says what to do about an API that does not tell the credits.
func refusalFinding(api config.API, err error) finding {
	const name = "api"
	switch {
	case errors.Is(err, casapi.ErrRateLimited):
		return bad(levelWarn, name, "ask again in a minute", "%v", err)
	case errors.Is(err, casapi.ErrInsufficientCredits):
		return bad(levelFail, name, "buy credits", "%v", err)
	case errors.Is(err, casapi.ErrUnauthorized):
		return bad(levelFail, name, "check it in the API's dashboard", "the key of %s is not taken: %v", keySource(api), err)
	case errors.Is(err, casapi.ErrForbidden):
		return bad(levelFail, name, "check key and plan in the API's dashboard", "the key of %s may not ask for its credits: %v", keySource(api), err)
	default:
		return bad(levelFail, name, "check CASPARSER_BASE_URL and the network", "%s gives no credits: %v", api.BaseURL, err)
	}
}

func creditsFinding(credits *casapi.Credits) finding {
	const name = "credits"
	limit, resets := "", ""
	if credits.Limit != "" {
		limit = " of " + credits.Limit
	}
	if !credits.ResetsAt.IsZero() {
		resets = "; they are given anew on " + credits.ResetsAt.Format(time.DateOnly)
	}
	switch {
	case credits.Unlimited:
		return good(name, "unlimited")
	case credits.Exhausted():
		return bad(levelFail, name, "buy some, or nothing is parsed", "%s%s left%s", credits.Remaining, limit, resets)
	case credits.Remaining == "":
		return bad(levelWarn, name, "look in the API's dashboard", "the API does not tell how many are left")
	default:
		return good(name, "%s%s left%s", credits.Remaining, limit, resets)
	}
}

// featuresFinding looks for the parser that documents go to unless they are
// recorded with --kind.
func featuresFinding(features []string) finding {
	const name = "features"
	list := strings.Join(features, ", ")
	if !slices.ContainsFunc(features, func(feature string) bool { return strings.Contains(strings.ToLower(feature), "smart") }) {
		return bad(levelWarn, name, "ask the API's support for it, or record documents with --kind", "the smart parser is not among %s", list)
	}
	return good(name, "%s", list)
}
