package objectstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"casflow/internal/redact"
)

const (
	// answerTimeout is how long S3 may think before the first byte of its
	// answer. The SDK sets no limit, and a context may have none.
	answerTimeout = time.Minute
	// idleConnections are kept per host: the SDK's 10 would have a busy worker
	// set up a connection for nearly every object.
	idleConnections = 128
	// idleLimit is how long they are kept. S3 closes them itself after some seconds, and
	// each has two goroutines and their stacks; the SDK would keep them for 90 s.
	idleLimit = 5 * time.Second
	// endpointRegion signs requests to a server of our own choosing when no
	// region is configured: such servers take any.
	endpointRegion = "us-east-1"
)

// Config says where S3 is and who is asking. The zero value leaves everything to
// the default chain of the AWS SDK: environment (AWS_*), shared files, role.
type Config struct {
	// Endpoint is the base URL of a server other than AWS. Empty, the SDK
	// looks for AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL and shared files.
	Endpoint string
	// Region of the buckets. Empty, as the SDK finds it; us-east-1 where it
	// finds none but there is an endpoint.
	Region string
	// ForcePathStyle puts the bucket into the path instead of the host name,
	// which most servers other than AWS need.
	ForcePathStyle bool
	// AccessKey and SecretKey are fixed credentials. Empty, as the SDK finds
	// them.
	AccessKey redact.Secret
	SecretKey redact.Secret
	// Logger takes what the SDK has to say, at level debug or warn. Defaults
	// to nowhere.
	Logger *slog.Logger
}

// Store is a client of S3, safe for concurrent use.
type Store struct {
	client    *s3.Client
	presigner *s3.PresignClient
	host      string // of the endpoint; "" for AWS
	region    string
}

// Open makes a client and looks for credentials, but sends nothing to S3: see
// CheckBucket. An error names what is missing or malformed and how to set it.
func Open(ctx context.Context, c Config) (*Store, error) {
	loaded, err := c.Load(ctx)
	if err != nil {
		return nil, err
	}
	// Where the endpoint and the region end up is the client's to say: it
	// reads more sources than the configuration shows.
	options := s3.NewFromConfig(loaded).Options()
	host, err := endpointHost(aws.ToString(options.BaseEndpoint))
	if err != nil {
		return nil, err
	}
	region := options.Region
	if region == "" {
		if host == "" {
			return nil, errors.New("no AWS region configured: set AWS_REGION, or AWS_ENDPOINT_URL_S3 for a server other than AWS")
		}
		region = endpointRegion
	}
	if err := RequireCredentials(ctx, options.Credentials); err != nil {
		return nil, err
	}
	client := s3.NewFromConfig(loaded, func(o *s3.Options) {
		o.Region = region
		o.UsePathStyle = c.ForcePathStyle
		// Said of every object of a server that keeps no checksums.
		o.DisableLogOutputChecksumValidationSkipped = true
	})
	return &Store{client: client, presigner: s3.NewPresignClient(client), host: host, region: region}, nil
}

// Load reads the configuration of the AWS SDK as Open does, for the client of
// another service.
func (c Config) Load(ctx context.Context) (aws.Config, error) {
	loaded, err := config.LoadDefaultConfig(ctx, c.options()...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("read AWS configuration: %w", err)
	}
	return loaded, nil
}

// RequireCredentials says what to do where there are none.
func RequireCredentials(ctx context.Context, provider aws.CredentialsProvider) error {
	if _, err := provider.Retrieve(ctx); err != nil {
		return fmt.Errorf("no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "+
			"choose a profile with AWS_PROFILE, or run under a role: %w", err)
	}
	return nil
}

func (c Config) options() []func(*config.LoadOptions) error {
	options := []func(*config.LoadOptions) error{
		config.WithLogger(sdkLogger{c.Logger}),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.ResponseHeaderTimeout = answerTimeout
			t.MaxIdleConns = idleConnections
			t.MaxIdleConnsPerHost = idleConnections
			t.IdleConnTimeout = idleLimit
		})),
	}
	if c.Region != "" {
		options = append(options, config.WithRegion(c.Region))
	}
	if c.Endpoint != "" {
		options = append(options, config.WithServiceOptions(func(_ string, service any) {
			// For this service alone: credentials may come from another.
			if s3Options, ok := service.(*s3.Options); ok {
				s3Options.BaseEndpoint = aws.String(c.Endpoint)
			}
		}))
	}
	if c.AccessKey != "" || c.SecretKey != "" {
		options = append(options, config.WithCredentialsProvider(
			credentials.NewStaticCredentialsProvider(c.AccessKey.Reveal(), c.SecretKey.Reveal(), "")))
	}
	return options
}

// endpointHost is the host of an endpoint; "" for none.
func endpointHost(endpoint string) (string, error) {
	if endpoint == "" {
		return "", nil
	}
	parsed, err := url.Parse(endpoint)
	if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		// Not quoted: a URL may hold a password.
		return "", errors.New("the S3 endpoint (AWS_ENDPOINT_URL_S3) is not a URL: expected http://HOST:PORT or https://HOST")
	}
	return parsed.Host, nil
}
