package enqueuercli

import (
	"context"
	"math/big"
	"strings"

	"casflow/internal/casapi"
	"casflow/internal/config"
)

// balanceUnknown begins what is said instead of a balance that is not known.
const balanceUnknown = "unknown: "

// asksAPI reports whether there is a key to ask the API with.
func asksAPI(api config.API) bool { return api.Key != "" || api.KeyFile != "" }

// credits returns what asks the API for the credits left: a decimal, "unlimited",
// or balanceUnknown and why; "" without a key.
func credits(c config.API) (func(context.Context) string, error) {
	if !asksAPI(c) {
		return func(context.Context) string { return "" }, nil
	}
	key, err := c.KeySource()
	if err != nil {
		return nil, err
	}
	api, err := casapi.New(casapi.Config{BaseURL: c.BaseURL, APIKey: key, Timeout: c.Timeout})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) string {
		credits, err := api.Credits(ctx)
		switch {
		case err != nil:
			return balanceUnknown + err.Error()
		case credits.Unlimited:
			return "unlimited"
		case credits.Remaining == "":
			return balanceUnknown + "the API does not tell"
		default:
			return credits.Remaining
		}
	}, nil
}

// warnOfCost says it where a balance, as credits tells it, is less than a cost, or
// not known.
func warnOfCost(console *console, balance string, cost int) error {
	if strings.HasPrefix(balance, balanceUnknown) {
		return console.note("whether the credits suffice is not known: the account has %s", balanceText(balance))
	}
	left, isNumber := new(big.Rat).SetString(balance)
	if !isNumber || left.Cmp(new(big.Rat).SetInt64(int64(cost))) >= 0 { // not a number: no key, or unlimited
		return nil
	}
	return console.note("the new documents may cost %s, but the account has %s; those beyond wait until it has more", plural(cost, "credit"), balance)
}

// balanceText is a balance as it follows "the account has".
func balanceText(balance string) string {
	if why, unknown := strings.CutPrefix(balance, balanceUnknown); unknown {
		return "an unknown number (" + why + ")"
	}
	return balance
}
