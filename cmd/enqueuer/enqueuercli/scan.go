package enqueuercli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/google/uuid"

	"casflow/internal/config"
	"casflow/internal/scan"
	"casflow/internal/storage"
	"casflow/internal/storage/objectstore"
)

type scanCommand struct {
	Source string `arg:"" name:"s3://BUCKET/PREFIX" help:"Where the PDFs are."`
	intake `embed:""`
	API    config.API `embed:""`

	Queue   string        `default:"bulk" enum:"interactive,bulk" help:"interactive goes ahead of bulk."`
	Suffix  string        `default:".pdf" help:"Objects whose key ends otherwise are left out, whatever their case; empty takes all."`
	Since   string        `placeholder:"TIME" help:"Leave out objects last modified before: a date (2026-05-01), a time (RFC 3339) or an age (36h)."`
	Limit   int           `help:"Record at most so many new documents; 0 is all."`
	Listers int           `default:"8" help:"Pages of the bucket's listing that are asked for and recorded at once."`
	Resume  time.Duration `default:"1h" help:"Go on with the same scan where it was cut short, if that is not longer ago; 0 begins anew."`
	JSON    bool          `name:"json" help:"Write the summary as JSON."`

	MaxCredits int `name:"max-credits" help:"With --batch: how many credits the batch may cost in all; what is beyond waits until a scan raises it. 0 leaves it as it is, at first without a cap."`
}

// scanSummary is what a scan did.
type scanSummary struct {
	Bucket string `json:"bucket"`
	Prefix string `json:"prefix"`
	Batch  string `json:"batch,omitempty"`
	storage.ScanCounts
	Seconds float64       `json:"seconds"`
	DryRun  bool          `json:"dry_run,omitempty"`
	Resumed *scannedSofar `json:"resumed,omitempty"` // absent where it began anew
	// With an API key: what the new documents cost at most, and what the account has
	// (decimal; "unlimited"; "unknown: " and why).
	CostAtMost       *int   `json:"cost_at_most,omitempty"`
	CreditsRemaining string `json:"credits_remaining,omitempty"`
}

// scannedSofar is what a scan had come by that was cut short, and was gone on with;
// the summary's own counts are what was left.
type scannedSofar struct {
	BeganAt time.Time `json:"began_at"`
	storage.ScanCounts
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
	if c.Listers < 1 {
		err = errors.Join(err, fmt.Errorf("--listers is %d; expected at least 1", c.Listers))
	}
	if c.Resume < 0 {
		err = errors.Join(err, fmt.Errorf("--resume is %s; expected 0 (begin anew) or more", c.Resume))
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
	_, _, sourceFault := c.source()
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
	if os.Getenv("GOGC") == "" {
		// A scan keeps little and throws away much. Collecting that four times less often
		// takes a third off its processor time, for 20 MB.
		defer debug.SetGCPercent(debug.SetGCPercent(400))
	}
	bar := &scanBar{w: console.err}
	defer bar.finish()
	summary, err := c.scan(ctx, parts, since, bar.show)
	if err != nil {
		return err
	}
	if summary.Listed == 0 && summary.Resumed == nil {
		return fmt.Errorf("there is nothing under s3://%s/%s; check the prefix (it is matched from the start of the key)", summary.Bucket, summary.Prefix)
	}
	summary.CreditsRemaining = balance(ctx)
	summary.Seconds = time.Since(began).Seconds()
	bar.finish()
	return c.report(console, summary)
}

// scan records what is chosen of the source, which makes sense, and keeps the
// account of its batch.
func (c *scanCommand) scan(ctx context.Context, parts *connections, since time.Time, progress func(scan.Progress)) (scanSummary, error) {
	bucket, prefix, err := c.source()
	if err != nil {
		return scanSummary{}, err
	}
	summary := scanSummary{Bucket: bucket, Prefix: prefix, Batch: c.Batch, DryRun: c.DryRun}
	if err := parts.store.CheckBucket(ctx, bucket); err != nil {
		return summary, err
	}
	batched := c.Batch != "" && !c.DryRun
	if batched { // its cap holds from the first document on
		if err := parts.db.OpenBatch(ctx, c.Batch, presentable(c.Source), c.MaxCredits); err != nil {
			return summary, err
		}
	}
	options := scan.Options{
		Bucket: bucket, Prefix: prefix, Kind: c.Kind, Broker: c.Broker, Queue: c.Queue, Batch: c.Batch, Suffix: c.Suffix, Since: since, SinceText: c.Since,
		Limit: c.Limit, DryRun: c.DryRun, Listers: c.Listers, Resume: c.Resume, SealNew: parts.passwords.metadata, Progress: progress,
	}
	if len(parts.passwords.sources) > 0 {
		options.Seal = func(ctx context.Context, ids []uuid.UUID, objects []objectstore.Info) ([][]byte, error) {
			return parts.recorder().Seal(ctx, ids, c.items(objects, c.Queue))
		}
	}
	done, err := scan.Run(ctx, parts.db, parts.store, options)
	summary.ScanCounts = done.ScanCounts
	if done.Resumed {
		summary.Resumed = &scannedSofar{BeganAt: done.BeganAt, ScanCounts: done.Before}
	}
	if err != nil {
		if recorded := done.Before.New + done.New; !c.DryRun && recorded > 0 {
			err = fmt.Errorf("%w; %s recorded so far, run the scan again to go on", err, plural(recorded, "document"))
		}
		return summary, err
	}
	if batched && !done.Limited {
		err = parts.db.CloseBatch(ctx, c.Batch)
	}
	return summary, err
}

func (c *scanCommand) report(console *console, s scanSummary) error {
	cost := storage.CreditsAtMost(c.Kind, s.New)
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
	if r := s.Resumed; r != nil {
		err := console.say("went on with the scan of %s, which had listed %s and recorded %d; objects put since then into what it had listed are for the next scan\n",
			r.BeganAt.UTC().Format(time.RFC3339), plural(r.Listed, "object"), r.New)
		if err != nil {
			return err
		}
	}
	verb := "recorded"
	if s.DryRun {
		verb = "would be recorded"
	}
	err := console.say("%s listed under s3://%s/%s: %d %s, %d known, %d left out (%.1f s)\n",
		plural(s.Listed, "object"), s.Bucket, s.Prefix, s.New, verb, s.Known, s.LeftOut, s.Seconds)
	if err == nil && s.Bare > 0 {
		err = console.say("%d of them without a password; --password-from names sources\n", s.Bare)
	}
	if err == nil && s.DryRun && s.CostAtMost != nil {
		err = console.say("would cost at most %s; the account has %s\n", plural(cost, "credit"), balanceText(s.CreditsRemaining))
	}
	return err
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
