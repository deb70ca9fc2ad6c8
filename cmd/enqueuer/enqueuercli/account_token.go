package enqueuercli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"casflow/internal/config"
	"casflow/internal/redact"
)

type accountToken struct {
	accountAPI `embed:""`

	Minutes int `default:"60" help:"How long it lives: 1 to 60 minutes."`
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (c *accountToken) Faults() error {
	const most = 60 // the API's
	if c.Minutes < 1 || c.Minutes > most {
		return errors.Join(c.API.Faults(), fmt.Errorf("--minutes: is %d; expected 1 to %d", c.Minutes, most))
	}
	return c.API.Faults()
}

// Run writes the token itself: that is what it is asked for.
func (c *accountToken) Run(ctx context.Context, console *console) error {
	if err := config.Validate(c); err != nil {
		return err
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	began := time.Now()
	token, err := client.CreateToken(ctx, c.Minutes)
	if err != nil {
		return err
	}
	if c.JSON {
		return console.json(struct {
			AccessToken string    `json:"access_token"`
			TokenType   string    `json:"token_type"`
			ExpiresAt   time.Time `json:"expires_at"`
		}{token.Secret.Reveal(), token.Type, began.Add(token.Life).UTC().Truncate(time.Second)})
	}
	return console.say("%s\n", token.Secret.Reveal())
}

type accountVerify struct {
	API   config.APIAddress  `embed:""`
	Token config.AccessToken `embed:""`
	JSON  bool               `name:"json" help:"Write it as JSON."`
}

// errNotValid ends a verification that found the token to be no good.
var errNotValid = errors.New("the access token is not valid")

func (c *accountVerify) Run(ctx context.Context, console *console) error {
	if err := config.Validate(c.API, c.Token); err != nil {
		return err
	}
	token, err := c.Token.Secret()
	if err != nil {
		return config.Usage(err)
	}
	client, err := newAPI(c.API.BaseURL, func() redact.Secret { return token })
	if err != nil {
		return err
	}
	state, err := client.VerifyToken(ctx, token)
	if err != nil {
		return err
	}
	if c.JSON {
		err = console.json(struct {
			Valid     bool       `json:"valid"`
			MaskedKey string     `json:"masked_api_key"`
			Error     string     `json:"error"`
			ExpiresAt *time.Time `json:"expires_at"`
		}{state.Valid, state.MaskedKey, state.Fault, moment(state.Expires)})
	} else if state.Valid {
		rows := newTable(console.out)
		rows.add("valid", "yes")
		rows.add("key", told(state.MaskedKey))
		if at := instant(moment(state.Expires)); at != "" {
			rows.add("until", at)
		}
		err = rows.flush()
	}
	if err != nil || state.Valid {
		return err
	}
	return fmt.Errorf("%w: %s", errNotValid, told(state.Fault))
}
