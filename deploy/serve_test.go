package deploy_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"casflow/client"
	"casflow/cmd/enqueuer/enqueuercli"
	"casflow/internal/devstack"
)

// api is the HTTP API of a pipeline, which also takes from an SQS queue, and scans.
type api struct {
	*pipeline
	client  *client.Client
	sqs     *devstack.SQS
	address string // HOST:PORT
	told    string // URL of a service that is told of the end of documents
}

// callbacks are the flags of both programs that let a service on this machine be told.
func callbacks() []string { return []string{"--callback-hosts", "127.0.0.1", "--callback-private"} }

// serve starts the HTTP API, which ends with the test.
func (p *pipeline) serve() *api {
	p.t.Helper()
	const token = "token-of-the-dashboard"
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	p.t.Cleanup(service.Close)
	a := &api{pipeline: p, told: service.URL}
	var err error
	if a.sqs, err = devstack.StartSQSBeside(p.t.Context(), s3Server); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		if err := a.sqs.Stop(); err != nil {
			p.t.Error(err)
		}
	})
	queue := a.sqs.Queue("events", 0, "")
	a.address = p.start(enqueuercli.Run, append([]string{
		"serve", "--api-tokens", "portal:" + token, "--stop-delay", "0s", "--sqs-url", queue,
		"--schedule", "@every 1s", "--scan", "s3://" + p.bucket + "/nightly/",
	}, callbacks()...)...)
	if a.client, err = client.New(client.Config{BaseURL: "http://" + a.address, Token: token}); err != nil {
		p.t.Fatal(err)
	}
	return a
}

// work has a service submit a document, and S3 tell of another one.
func (a *api) work(wave int) {
	a.t.Helper()
	key := fmt.Sprintf("services/%d.pdf", wave)
	a.put(key, []byte("no PDF at all"))
	if _, err := a.client.Submit(a.t.Context(), client.Submission{Bucket: a.bucket, Key: key, Terms: client.Terms{CallbackURL: a.told}}); err != nil {
		a.t.Fatal(err)
	}
	told := fmt.Sprintf("events/%d.pdf", wave)
	a.put(told, []byte("no PDF either"))
	a.sqs.Send("events", fmt.Sprintf(`{"detail-type":"Object Created","detail":{"bucket":{"name":%q},"object":{"key":%q}}}`, a.bucket, told))
}
