package enqueuercli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"casflow/internal/casapi"
	"casflow/internal/config"
)

type accountUsage struct {
	accountAPI `embed:""`

	Since time.Duration `default:"720h" help:"Calls that were made at most so long ago; the log goes back 30 days."`
	Limit int           `default:"100" help:"At most so many calls, 1 to 500."`
}

// usageFound is one call as JSON. Credits are decimals, null where the API does not
// tell.
type usageFound struct {
	At         *time.Time `json:"at"`
	Feature    string     `json:"feature"`
	Path       string     `json:"path"`
	StatusCode int        `json:"status_code"`
	Credits    *string    `json:"credits"`
	RequestID  string     `json:"request_id"`
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (c *accountUsage) Faults() error {
	faults := []error{c.API.Faults(), checkSince(c.Since)}
	const most = 500 // the API's
	if c.Limit < 1 || c.Limit > most {
		faults = append(faults, fmt.Errorf("--limit: is %d; expected 1 to %d", c.Limit, most))
	}
	return errors.Join(faults...)
}

func checkSince(since time.Duration) error {
	if since <= 0 {
		return fmt.Errorf("--since: is %s; expected more than 0s", since)
	}
	return nil
}

func (c *accountUsage) Run(ctx context.Context, console *console) error {
	if err := config.Validate(c); err != nil {
		return err
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	calls, err := client.Usage(ctx, casapi.UsageQuery{Start: time.Now().Add(-c.Since), Limit: c.Limit})
	if err != nil {
		return err
	}
	if c.JSON {
		found := make([]usageFound, len(calls))
		for i, call := range calls {
			found[i] = usageFound{
				At: moment(call.At), Feature: call.Feature, Path: call.Path, StatusCode: call.StatusCode, Credits: known(call.Credits),
				RequestID: call.RequestID,
			}
		}
		return console.json(found)
	}
	if len(calls) == 0 {
		return console.say("no calls\n")
	}
	rows := newTable(console.out)
	rows.add("AT", "FEATURE", "PATH", "STATUS", "CREDITS", "REQUEST")
	for _, call := range calls {
		rows.add(instant(moment(call.At)), call.Feature, call.Path, statusCode(call.StatusCode), call.Credits, call.RequestID)
	}
	if err := rows.flush(); err != nil {
		return err
	}
	if len(calls) == c.Limit {
		return console.note("these are %d calls, there may be more: see --limit and --since", len(calls))
	}
	return nil
}

// moment is a time in UTC, nil for none.
func moment(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	at = at.UTC()
	return &at
}

type accountSummary struct {
	accountAPI `embed:""`

	Since time.Duration `help:"Calls that were made at most so long ago; by default this month's."`
}

// summaryFound is the sum as JSON; credits are decimals, null where the API does not
// tell.
type summaryFound struct {
	Credits   *string        `json:"credits"`
	Requests  int            `json:"requests"`
	ByFeature []featureFound `json:"by_feature"`
}

type featureFound struct {
	Feature  string  `json:"feature"`
	Credits  *string `json:"credits"`
	Requests int     `json:"requests"`
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (c *accountSummary) Faults() error {
	if c.Since < 0 {
		return errors.Join(c.API.Faults(), checkSince(c.Since))
	}
	return c.API.Faults()
}

func (c *accountSummary) Run(ctx context.Context, console *console) error {
	if err := config.Validate(c); err != nil {
		return err
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	var start time.Time
	if c.Since > 0 {
		start = time.Now().Add(-c.Since)
	}
	summary, err := client.UsageSummary(ctx, start, time.Time{})
	if err != nil {
		return err
	}
	if c.JSON {
		found := summaryFound{Credits: known(summary.TotalCredits), Requests: summary.TotalRequests, ByFeature: []featureFound{}}
		for _, used := range summary.ByFeature {
			found.ByFeature = append(found.ByFeature, featureFound{used.Feature, known(used.Credits), used.Requests})
		}
		return console.json(found)
	}
	rows := newTable(console.out)
	rows.add("FEATURE", "CALLS", "CREDITS")
	for _, used := range summary.ByFeature {
		rows.add(used.Feature, strconv.Itoa(used.Requests), used.Credits)
	}
	rows.add("all", strconv.Itoa(summary.TotalRequests), told(summary.TotalCredits))
	return rows.flush()
}
