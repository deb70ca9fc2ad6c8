package config

import (
	"errors"
	"log/slog"
	"net"
	"strings"
	"time"
)

// Serve says how the HTTP API is served.
type Serve struct {
	// Addr is HOST:PORT or :PORT; port 0 takes a free one. Defaults to :8080.
	Addr string `name:"addr" env:"CASFLOW_ADDR" default:":8080" help:"Address of the HTTP API, /metrics, /healthz and /readyz."`
	// UploadTo is s3://BUCKET/PREFIX. Empty: no uploads are taken.
	UploadTo string `name:"upload-to" env:"CASFLOW_UPLOAD_TO" placeholder:"s3://BUCKET/PREFIX" help:"Where uploaded PDFs are put in S3. Without it uploads are refused."`
	// Buckets are those that requests and events may name. Empty: any.
	Buckets []string `name:"buckets" env:"CASFLOW_BUCKETS" sep:"," placeholder:"BUCKET" help:"Buckets that requests and S3 events may name, several with commas; without it any that the credentials can read."`
	// RatePerSecond is in requests per second of each service. Defaults to 1000; 0
	// is no limit.
	RatePerSecond int `name:"rate-per-second" env:"CASFLOW_SERVE_RATE_PER_SECOND" default:"1000" help:"Requests per second that each service may make, and twice as many at once; a batch is one request. 0 is no limit."`
	// MaxUploads is in requests of all services together. Defaults to 16; at least 1.
	MaxUploads int `name:"max-uploads" env:"CASFLOW_SERVE_MAX_UPLOADS" default:"16" help:"Uploads and batches that are received at once."`
	// MaxBatchLines is in lines of one batch request. Defaults to 100,000; at least 1.
	MaxBatchLines int `name:"max-batch-lines" env:"CASFLOW_SERVE_MAX_BATCH_LINES" default:"100000" help:"Lines that one batch request may have."`
	// StopDelay is how long requests are still taken after /readyz has turned.
	// Defaults to 2s.
	StopDelay time.Duration `name:"stop-delay" env:"CASFLOW_SERVE_STOP_DELAY" default:"2s" help:"How long requests are still taken after SIGTERM, while /readyz already says no, so that load balancers notice."`
	// StopTimeout is how long requests under way have to end. Defaults to 30s.
	StopTimeout time.Duration `name:"stop-timeout" env:"CASFLOW_SERVE_STOP_TIMEOUT" default:"30s" help:"How long requests under way have to end after that; then they are cut off."`
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (s Serve) Faults() error {
	var faults []error
	add := func(variable, flag, format string, args ...any) {
		faults = append(faults, fault(variable, flag, format, args...))
	}
	if _, port, err := net.SplitHostPort(s.Addr); err != nil || port != "0" && !isPort(port) {
		add("CASFLOW_ADDR", "addr", "is %s; expected HOST:PORT or :PORT, such as :8080", quote(s.Addr))
	}
	if bucket, _ := s.Upload(); s.UploadTo != "" && bucket == "" {
		add("CASFLOW_UPLOAD_TO", "upload-to", "is %s; expected s3://BUCKET/PREFIX", quote(s.UploadTo))
	}
	for _, bucket := range s.Buckets {
		if bucket == "" || strings.ContainsAny(bucket, "/ :") {
			add("CASFLOW_BUCKETS", "buckets", "has %s; expected names of buckets alone", quote(bucket))
		}
	}
	if s.RatePerSecond < 0 {
		add("CASFLOW_SERVE_RATE_PER_SECOND", "rate-per-second", "is %d; expected 0 (no limit) or more", s.RatePerSecond)
	}
	if s.MaxUploads < 1 {
		add("CASFLOW_SERVE_MAX_UPLOADS", "max-uploads", "is %d; expected at least 1", s.MaxUploads)
	}
	if s.MaxBatchLines < 1 {
		add("CASFLOW_SERVE_MAX_BATCH_LINES", "max-batch-lines", "is %d; expected at least 1", s.MaxBatchLines)
	}
	if s.StopDelay < 0 {
		add("CASFLOW_SERVE_STOP_DELAY", "stop-delay", "is %s; expected 0s or more", s.StopDelay)
	}
	if s.StopTimeout <= 0 {
		add("CASFLOW_SERVE_STOP_TIMEOUT", "stop-timeout", "is %s; expected more than 0s", s.StopTimeout)
	}
	return errors.Join(faults...)
}

// Upload is where uploads go; "" for the bucket where they are refused. The prefix
// ends in a slash, or is empty.
func (s Serve) Upload() (bucket, prefix string) { return splitUploadTo(s.UploadTo) }

// LogValue shows the settings.
func (s Serve) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("addr", s.Addr), slog.String("upload_to", s.UploadTo), slog.Any("buckets", s.Buckets), slog.Int("rate_per_second", s.RatePerSecond),
		slog.Int("max_uploads", s.MaxUploads), slog.Int("max_batch_lines", s.MaxBatchLines), slog.Duration("stop_delay", s.StopDelay),
		slog.Duration("stop_timeout", s.StopTimeout))
}

// Events says how the objects of S3 events and of scheduled scans are recorded: alike,
// or the scan that looks for what no event told of would record all anew.
type Events struct {
	// Kind defaults to smart.
	Kind string `name:"event-kind" env:"CASFLOW_EVENT_KIND" default:"smart" enum:"smart,cdsl,nsdl,cams_kfintech,contract_note" help:"Parser of the API for objects of S3 events and of scheduled scans."`
	// Broker is empty but for contract notes of one broker.
	Broker string `name:"event-broker" env:"CASFLOW_EVENT_BROKER" placeholder:"BROKER" help:"Whose contract notes these objects are: zerodha, groww, upstox or icici; the API finds out if it is not told. Only with --event-kind contract_note."`
	// Queue is interactive or bulk. Defaults to bulk.
	Queue string `name:"event-queue" env:"CASFLOW_EVENT_QUEUE" default:"bulk" enum:"interactive,bulk" help:"Queue of objects of S3 events and of scheduled scans; interactive goes ahead of bulk."`
	// Batch may be empty.
	Batch string `name:"event-batch" env:"CASFLOW_EVENT_BATCH" help:"Batch that objects of S3 events and of scheduled scans are recorded in."`
	// Suffix is what keys end in, whatever their case. Defaults to .pdf; empty takes
	// all.
	Suffix string `name:"event-suffix" env:"CASFLOW_EVENT_SUFFIX" default:".pdf" help:"Objects of S3 events and of scheduled scans whose key ends otherwise are left out, whatever their case."`
}
