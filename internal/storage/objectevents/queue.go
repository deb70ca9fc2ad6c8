package objectevents

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/prometheus/client_golang/prometheus"

	"casflow/internal/redact"
	"casflow/internal/storage/objectstore"
)

// ErrUnfit is what an error of record matches where it would not help to try
// again: the message is left to the queue's redrive policy.
var ErrUnfit = errors.New("cannot be recorded")

// Config says which queue.
type Config struct {
	// URL of the queue. Its host is where requests go, unless AWS_ENDPOINT_URL_SQS says
	// otherwise, and where that is AWS it tells the region.
	URL string
	// Region is needed where URL does not tell it. Defaults to what the AWS SDK finds.
	Region string
	// AccessKey and SecretKey are fixed credentials. Empty, as the SDK finds them.
	AccessKey, SecretKey redact.Secret
	// Suffix is how keys end, in any case; objects whose key ends otherwise are not
	// recorded. Empty takes all.
	Suffix string
	// Visibility is for how long a message is hidden from others at a time; it is
	// extended while it takes longer. Whole seconds. Defaults to a minute.
	Visibility time.Duration
	// Logger takes what becomes of messages. Defaults to nowhere.
	Logger *slog.Logger
	// Registerer takes the metrics. Defaults to none.
	Registerer prometheus.Registerer
}

const (
	// longPoll is how long SQS waits for a message: the most that it takes.
	longPoll = 20 * time.Second
	// batch is how many messages a request can be about: the most that SQS takes.
	batch = 10

	defaultVisibility = time.Minute
)

// Queue is a queue of notifications.
type Queue struct {
	client  *sqs.Client
	c       Config
	metrics *metrics
}

// Open makes a client and looks for credentials, but sends nothing. An error says
// what is wrong with the configuration.
func Open(ctx context.Context, c Config) (*Queue, error) {
	endpoint, region, err := address(c.URL)
	if err != nil {
		return nil, err
	}
	if c.Region == "" {
		c.Region = region
	}
	if c.Visibility == 0 {
		c.Visibility = defaultVisibility
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	loaded, err := objectstore.Config{Region: c.Region, AccessKey: c.AccessKey, SecretKey: c.SecretKey, Logger: c.Logger}.Load(ctx)
	if err != nil {
		return nil, err
	}
	if loaded.Region == "" {
		return nil, errors.New("no AWS region configured: set AWS_REGION")
	}
	if err := objectstore.RequireCredentials(ctx, loaded.Credentials); err != nil {
		return nil, err
	}
	client := sqs.NewFromConfig(loaded, func(o *sqs.Options) {
		if o.BaseEndpoint == nil { // as AWS_ENDPOINT_URL_SQS would have it
			o.BaseEndpoint = aws.String(endpoint)
		}
	})
	return &Queue{client: client, c: c, metrics: newMetrics(c.Registerer)}, nil
}

// CheckURL says what is wrong with the URL of a queue, without showing it; nil when
// nothing is.
func CheckURL(text string) error {
	_, _, err := address(text)
	return err
}

// address takes the URL of a queue apart; region is "" where the host does not
// tell it. What is wrong is told without the URL, which may hold a password.
func address(text string) (endpoint, region string, err error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") == "" {
		return "", "", errors.New("is not the URL of an SQS queue: expected https://sqs.REGION.amazonaws.com/ACCOUNT/NAME")
	}
	if rest, ok := strings.CutPrefix(u.Hostname(), "sqs."); ok && strings.Contains(rest, ".amazonaws.com") {
		region, _, _ = strings.Cut(rest, ".")
	}
	return u.Scheme + "://" + u.Host, region, nil
}

// masked makes an error of the SDK fit for logs.
func masked(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%s", redact.PANs(err.Error()))
}
