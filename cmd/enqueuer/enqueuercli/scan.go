package enqueuercli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"casflow/internal/config"
	"casflow/internal/storage/objectstore"
	"casflow/internal/telemetry"
)

type scanCommand struct {
	Source string `arg:"" name:"s3://BUCKET/PREFIX" help:"Where the PDFs are."`
	intake `embed:""`
	API    config.API `embed:""`

	Queue  string `default:"bulk" enum:"interactive,bulk" help:"interactive goes ahead of bulk."`
	Suffix string `default:".pdf" help:"Objects whose key ends otherwise are left out, whatever their case; empty takes all."`
	Since  string `placeholder:"TIME" help:"Leave out objects last modified before: a date (2026-05-01), a time (RFC 3339) or an age (36h)."`
	Limit  int    `help:"Record at most so many new documents; 0 is all."`
	JSON   bool   `name:"json" help:"Write the summary as JSON."`

	MaxCredits int `name:"max-credits" help:"With --batch: how many credits the batch may cost in all; what is beyond waits until a scan raises it. 0 leaves it as it is, at first without a cap."`
}

// scanSummary is what a scan did.
type scanSummary struct {
	Bucket   string  `json:"bucket"`
	Prefix   string  `json:"prefix"`
	Batch    string  `json:"batch,omitempty"`
	Listed   int     `json:"listed"`   // objects seen
	LeftOut  int     `json:"left_out"` // by suffix or age
	Known    int     `json:"known"`    // recorded before
	New      int     `json:"new"`      // recorded now; with dry_run, that would be
	NoSecret int     `json:"without_password"`
	Seconds  float64 `json:"seconds"`
	DryRun   bool    `json:"dry_run,omitempty"`
	// With an API key: what the new documents cost at most, and what the account has
	// (decimal; "unlimited"; "unknown: " and why).
	CostAtMost       *int   `json:"cost_at_most,omitempty"`
	CreditsRemaining string `json:"credits_remaining,omitempty"`
}

// since reads --since and checks the other flags that only a scan has. Its error
// is all that makes no sense about them.
func (c *scanCommand) since(now time.Time) (time.Time, error) {
	since, err := config.ParseSince(c.Since, now)
	if err != nil {
		err = fmt.Errorf("--since %w", err)
	}
	if c.Limit < 0 {
		err = errors.Join(err, fmt.Errorf("--limit is %d; expected 0 (all) or more", c.Limit))
	}
	if c.MaxCredits < 0 {
		err = errors.Join(err, fmt.Errorf("--max-credits is %d; expected 0 (as it is) or more", c.MaxCredits))
	}
	if c.MaxCredits > 0 && c.Batch == "" {
		err = errors.Join(err, errors.New("--max-credits is a batch's; name it with --batch"))
	}
	if asksAPI(c.API) {
		err = errors.Join(err, c.API.Faults())
	}
	return since, err
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (c *scanCommand) Faults() error {
	var source error
	if c.Source != "" { // otherwise it has been said that it is missing
		_, _, source = c.source()
	}
	_, flags := c.since(time.Now())
	_, _, settings := c.read()
	return errors.Join(source, flags, settings)
}

func (c *scanCommand) source() (bucket, prefix string, err error) {
	return bucketAndKey(c.Source, "s3://BUCKET/PREFIX")
}

func (c *scanCommand) Run(ctx context.Context, console *console) (err error) {
	began := time.Now()
	bucket, prefix, sourceFault := c.source()
	since, flagFaults := c.since(began)
	parts, err := c.connect(ctx, errors.Join(sourceFault, flagFaults))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, parts.close()) }()
	balance, err := credits(c.API)
	if err != nil {
		return config.Usage(err)
	}
	if err := parts.store.CheckBucket(ctx, bucket); err != nil {
		return err
	}

	summary := scanSummary{Bucket: bucket, Prefix: prefix, Batch: c.Batch, DryRun: c.DryRun, CreditsRemaining: balance(ctx)}
	batched := c.Batch != "" && !c.DryRun
	if batched { // its cap holds from the first document on
		if err := parts.db.OpenBatch(ctx, c.Batch, presentable(c.Source), c.MaxCredits); err != nil {
			return err
		}
	}
	if err := c.record(ctx, console, parts, since, &summary); err != nil {
		return err
	}
	if summary.Listed == 0 {
		return fmt.Errorf("there is nothing under s3://%s/%s; check the prefix (it is matched from the start of the key)", bucket, prefix)
	}
	if batched && (c.Limit == 0 || summary.New < c.Limit) {
		if err := parts.db.CloseBatch(ctx, c.Batch); err != nil {
			return err
		}
	}
	summary.Seconds = time.Since(began).Seconds()
	return c.report(console, summary)
}

// record goes through the listing page by page and records what is chosen.
func (c *scanCommand) record(ctx context.Context, console *console, parts *connections, since time.Time, summary *scanSummary) error {
	bar := progress(console.err, -1, "objects")
	defer func() { _ = bar.Finish() }() // a bar that cannot be drawn does no harm
	for page, err := range parts.store.List(ctx, summary.Bucket, summary.Prefix) {
		if err == nil {
			summary.Listed += len(page)
			err = c.page(ctx, parts, c.choose(page, since, summary), summary)
		}
		if err != nil {
			if !c.DryRun && summary.New > 0 {
				err = fmt.Errorf("%w; %s recorded so far, run the scan again to go on", err, plural(summary.New, "document"))
			}
			return err
		}
		bar.Describe(fmt.Sprintf("%d new, %d known", summary.New, summary.Known))
		_ = bar.Add(len(page))
		if c.Limit > 0 && summary.New >= c.Limit {
			break
		}
	}
	return nil
}

// choose leaves out what the scan is not about.
func (c *scanCommand) choose(page []objectstore.Info, since time.Time, summary *scanSummary) []objectstore.Info {
	var chosen []objectstore.Info
	suffix := strings.ToLower(c.Suffix)
	for _, object := range page {
		folder := strings.HasSuffix(object.Key, "/") && object.Size == 0
		if folder || !strings.HasSuffix(strings.ToLower(object.Key), suffix) || object.LastModified.Before(since) {
			summary.LeftOut++
			continue
		}
		chosen = append(chosen, object)
	}
	return chosen
}

// page records what is chosen of one page of the listing.
func (c *scanCommand) page(ctx context.Context, parts *connections, objects []objectstore.Info, summary *scanSummary) error {
	unknown, err := c.unknown(ctx, parts.db, objects)
	if err != nil {
		return err
	}
	summary.Known += len(objects) - len(unknown)
	if left := c.Limit - summary.New; c.Limit > 0 && len(unknown) > left {
		unknown = unknown[:left] // before anything is asked about the others
	}
	documents, err := c.documents(ctx, parts, unknown, c.Queue)
	if err != nil {
		return err
	}
	for _, d := range documents {
		if d.SealedPasswords == nil {
			summary.NoSecret++
		}
	}
	if c.DryRun {
		summary.New += len(documents)
		return nil
	}
	recorded, err := parts.db.Record(ctx, documents)
	summary.New += len(recorded)
	summary.Known += len(documents) - len(recorded) // recorded by somebody else meanwhile
	return err
}

func (c *scanCommand) report(console *console, s scanSummary) error {
	cost := s.New
	if c.MaxCredits > 0 {
		cost = min(cost, c.MaxCredits)
	}
	if s.CreditsRemaining != "" {
		s.CostAtMost = &cost
	}
	if err := warnOfCost(console, s.CreditsRemaining, cost); err != nil {
		return err
	}
	if c.JSON {
		return console.json(s)
	}
	verb := "recorded"
	if s.DryRun {
		verb = "would be recorded"
	}
	err := console.say("%s listed under s3://%s/%s: %d %s, %d known, %d left out (%.1f s)\n",
		plural(s.Listed, "object"), s.Bucket, s.Prefix, s.New, verb, s.Known, s.LeftOut, s.Seconds)
	if err == nil && s.NoSecret > 0 {
		err = console.say("%d of them without a password; --password-from names sources\n", s.NoSecret)
	}
	if err == nil && s.DryRun && s.CostAtMost != nil {
		err = console.say("would cost at most %s; the account has %s\n", plural(cost, "credit"), balanceText(s.CreditsRemaining))
	}
	return err
}

// progress is a bar on a terminal, and nothing elsewhere. most is how many things
// there will be; -1 where that is not known.
func progress(w io.Writer, most int, things string) *progressbar.ProgressBar {
	return progressbar.NewOptions(most, progressbar.OptionSetWriter(w), progressbar.OptionSetVisibility(telemetry.IsTerminal(w)),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString(things),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetSpinnerChangeInterval(0)) // its ticker would race with Add and Describe, and outlive the bar
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
