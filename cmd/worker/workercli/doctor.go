package workercli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"casflow/internal/config"
)

// checkTimeout is how long each part that is checked has to answer.
const checkTimeout = 10 * time.Second

type doctorCommand struct {
	Postgres  config.Postgres  `embed:""`
	Redis     config.Redis     `embed:""`
	S3        config.S3        `embed:""`
	API       config.API       `embed:""`
	SecretKey config.SecretKey `embed:""`
	Worker    config.Worker    `embed:""`
	Callback  config.Callback  `embed:""`
	Bucket    string           `placeholder:"s3://BUCKET/PREFIX" help:"Try to list and to read what is there."`
	JSON      bool             `name:"json" help:"Write the findings as JSON."`
}

// check looks at one part. What it finds depends on how far it comes: of a
// Postgres that cannot be reached, nothing is said but that.
type check func(ctx context.Context) []finding

func (c *doctorCommand) Run(ctx context.Context, console *console) error {
	bucket, prefix, err := c.source()
	if err != nil {
		return config.Usage(err)
	}
	checks := []check{
		func(context.Context) []finding { return c.checkSettings() },
		guarded("postgres", c.Postgres, c.checkPostgres),
		guarded("redis", c.Redis, c.checkRedis),
		guarded("s3", c.S3, func(ctx context.Context) []finding { return c.checkS3(ctx, bucket, prefix) }),
		guarded("api", c.API, c.checkAPI),
		func(context.Context) []finding { return checkTemporary(os.TempDir(), c.Worker.Concurrency) },
	}
	report := &report{out: console.out, asJSON: c.JSON}
	for _, check := range checks {
		findings := limited(ctx, checkTimeout, check)
		if ctx.Err() != nil {
			return ctx.Err() //nolint:wrapcheck // an interruption
		}
		if err := report.add(findings...); err != nil {
			return err
		}
	}
	return report.end()
}

// source takes --bucket apart.
func (c *doctorCommand) source() (bucket, prefix string, err error) {
	if c.Bucket == "" {
		return "", "", nil
	}
	rest, ok := strings.CutPrefix(c.Bucket, "s3://")
	bucket, prefix, _ = strings.Cut(rest, "/")
	if !ok || bucket == "" { // not quoted: somebody may give a presigned URL
		return "", "", errors.New("--bucket: is no address in S3; expected s3://BUCKET/PREFIX")
	}
	return bucket, prefix, nil
}

// guarded is a check of a part whose settings make sense: what is wrong with them
// is told by checkSettings.
func guarded(name string, settings interface{ Faults() error }, check check) check {
	return func(ctx context.Context) []finding {
		if settings.Faults() != nil {
			return []finding{bad(levelFail, name, "mend the settings first", "not checked")}
		}
		return check(ctx)
	}
}

// limited is a check that ends in time.
func limited(ctx context.Context, limit time.Duration, check check) []finding {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return check(ctx)
}

// checkSettings looks at the settings alone, and tells each fault.
func (c *doctorCommand) checkSettings() []finding {
	const name = "configuration"
	var findings []finding
	for _, group := range []interface{ Faults() error }{c.Postgres, c.Redis, c.S3, c.API, c.SecretKey, c.Worker, c.Callback} {
		if err := group.Faults(); err != nil {
			for fault := range strings.SplitSeq(err.Error(), "\n") {
				findings = append(findings, broken(name, errors.New(fault)))
			}
		}
	}
	if len(findings) == 0 {
		findings = append(findings, good(name, "every setting makes sense"))
	}
	if c.Worker.Force {
		findings = append(findings, bad(levelWarn, name, "unset it once Redis is as it should be",
			"CASFLOW_FORCE_START is set: a worker starts on a Redis that may lose tasks"))
	}
	if c.API.AllowSandbox {
		findings = append(findings, bad(levelWarn, name, "unset it where real statements are parsed",
			"CASPARSER_ALLOW_SANDBOX is set: the canned answers of the sandbox key are stored as real ones"))
	}
	if c.SecretKey.Faults() == nil {
		findings = append(findings, c.secretKeyFinding())
	}
	return append(findings, good("upload", "%s", c.uploads()))
}

func (c *doctorCommand) secretKeyFinding() finding {
	const name = "secret-key"
	switch {
	case c.SecretKey.File != "":
		return good(name, "comes from the file %s", c.SecretKey.File)
	case c.SecretKey.Key != "":
		return good(name, "comes from CASFLOW_SECRET_KEY")
	default:
		return bad(levelWarn, name, "make CASFLOW_SECRET_KEY with: openssl rand -base64 32", "not set: no PDF password can be taken")
	}
}

// uploads says how PDFs get to the API.
func (c *doctorCommand) uploads() string {
	const link = "by a link into S3, which the API must be able to reach"
	switch limit, oneWay := c.API.UploadLimit(); {
	case oneWay && limit == 0:
		return "all PDFs go " + link
	case oneWay:
		return "all PDFs go as multipart"
	default:
		return fmt.Sprintf("PDFs up to %d bytes go as multipart, larger ones %s", limit, link)
	}
}
