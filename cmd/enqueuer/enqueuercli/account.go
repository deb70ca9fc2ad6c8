package enqueuercli

import (
	"context"
	"strings"
	"time"

	"casflow/internal/casapi"
	"casflow/internal/config"
	"casflow/internal/redact"
)

type accountCommand struct {
	Credits accountCredits `cmd:"" help:"Show what is used, what is left and what the plan has."`
	Usage   accountUsage   `cmd:"" help:"List the API's log of calls, newest first: what each came to and cost."`
	Summary accountSummary `cmd:"" help:"Sum the API's log up by feature."`
	Token   accountToken   `cmd:"" help:"Make a short-lived access token, which stands in the key's place for all but the account, and write it."`
	Verify  accountVerify  `cmd:"" help:"Ask whether an access token is good; it exits with 1 when it is not."`
}

// newAPI makes a client for a few calls.
func newAPI(baseURL string, key func() redact.Secret) (*casapi.Client, error) {
	return casapi.New(casapi.Config{BaseURL: baseURL, APIKey: key, UserAgent: "casflow/" + config.Version()})
}

// accountAPI are the settings of commands that ask about the account.
type accountAPI struct {
	API config.APIAccess `embed:""`

	JSON bool `name:"json" help:"Write it as JSON."`
}

// client makes the client that the settings name.
func (a *accountAPI) client() (*casapi.Client, error) {
	key, err := a.API.KeySource()
	if err != nil {
		return nil, config.Usage(err)
	}
	return newAPI(a.API.BaseURL, key)
}

type accountCredits struct {
	accountAPI `embed:""`
}

// creditsFound is the state of the account as JSON. Credits are decimals, null where
// the API does not tell.
type creditsFound struct {
	Used      *string    `json:"used"`
	Remaining *string    `json:"remaining"`
	Limit     *string    `json:"limit"`
	Unlimited bool       `json:"unlimited"`
	ResetsAt  *time.Time `json:"resets_at"`
	Features  []string   `json:"features"`
}

func (c *accountCredits) Run(ctx context.Context, console *console) error {
	if err := config.Validate(c.API); err != nil {
		return err
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	credits, err := client.Credits(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		found := creditsFound{
			Used: known(credits.Used), Remaining: known(credits.Remaining), Limit: known(credits.Limit), Unlimited: credits.Unlimited,
			ResetsAt: moment(credits.ResetsAt), Features: credits.Features,
		}
		if found.Features == nil {
			found.Features = []string{} // an empty list, not null
		}
		return console.json(found)
	}
	remaining, limit := told(credits.Remaining), told(credits.Limit)
	if credits.Unlimited {
		remaining, limit = "unlimited", "none"
	}
	rows := newTable(console.out)
	rows.add("used", told(credits.Used))
	rows.add("left", remaining)
	rows.add("limit", limit)
	rows.add("given anew at", told(instant(moment(credits.ResetsAt))))
	rows.add("features", told(strings.Join(credits.Features, ", ")))
	return rows.flush()
}

// known is a text for JSON, nil for none.
func known(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// told is a text for tables.
func told(text string) string {
	if text == "" {
		return "unknown"
	}
	return text
}
