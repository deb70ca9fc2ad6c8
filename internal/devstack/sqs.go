package devstack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"casflow/internal/redact"
)

// SQS is a running server that speaks the JSON protocol of SQS, as far as who
// takes messages needs it: ReceiveMessage with long polling, DeleteMessageBatch and
// ChangeMessageVisibilityBatch; visibility, receipts and redrive are as in SQS. It
// is strict about requests. Its time stands still: see Advance.
type SQS struct {
	// Endpoint is its base URL, http on a loopback address.
	Endpoint string
	// Region is the one that clients are to sign for.
	Region string
	// AccessKey and SecretKey are made up. The signature is not checked, only that it
	// is of this key and for this service.
	AccessKey string
	SecretKey redact.Secret

	queues *sqsQueues
	server *http.Server
	served chan error // receives once, how serving ended
}

// StartSQS starts an SQS server inside this process, on a free loopback port. It
// has no queues at first.
func StartSQS(ctx context.Context) (*SQS, error) {
	return startSQS(ctx, "ap-south-1", "CASFLOWSQS", "made-up")
}

// StartSQSBeside is StartSQS for clients that sign as they do for an S3 server.
func StartSQSBeside(ctx context.Context, s3 *S3) (*SQS, error) {
	return startSQS(ctx, s3.Region, s3.AccessKey, s3.SecretKey)
}

func startSQS(ctx context.Context, region, accessKey string, secretKey redact.Secret) (*SQS, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", loopback(0))
	if err != nil {
		return nil, fmt.Errorf("start sqs: %w", err)
	}
	s := &SQS{
		Endpoint: "http://" + listener.Addr().String(), Region: region, AccessKey: accessKey, SecretKey: secretKey,
		queues: newSQSQueues(), served: make(chan error, 1),
	}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { s.served <- s.server.Serve(listener) }()
	return s, nil
}

// Stop closes the server, requests in flight included, and waits for its end.
func (s *SQS) Stop() error {
	err := s.server.Close()
	if ended := <-s.served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	if err != nil {
		return fmt.Errorf("stop sqs: %w", err)
	}
	return nil
}

// sqsError is a refusal, as SQS words it.
type sqsError struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
}

func (e *sqsError) Error() string { return e.Type + ": " + e.Message }

func refuseSQS(code, format string, args ...any) error {
	return &sqsError{"com.amazonaws.sqs#" + code, fmt.Sprintf(format, args...)}
}

// ServeHTTP answers one request.
func (s *SQS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := s.answer(r)
	status := http.StatusOK
	if refused, ok := errors.AsType[*sqsError](err); ok {
		answer, status = refused, http.StatusBadRequest
		if strings.HasSuffix(refused.Type, "#InvalidSecurity") {
			status = http.StatusForbidden
		}
	} else if err != nil { // the client is gone
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // the client may be gone
}

func (s *SQS) answer(r *http.Request) (any, error) {
	scope := "/" + s.Region + "/sqs/aws4_request"
	credential, _, _ := strings.Cut(r.Header.Get("Authorization"), ",")
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/":
		return nil, refuseSQS("UnsupportedOperation", "%s %s", r.Method, r.URL.Path)
	case r.Header.Get("Content-Type") != "application/x-amz-json-1.0":
		return nil, refuseSQS("UnsupportedOperation", "content type %q", r.Header.Get("Content-Type"))
	case !strings.HasPrefix(credential, "AWS4-HMAC-SHA256 Credential="+s.AccessKey+"/") || !strings.HasSuffix(credential, scope):
		return nil, refuseSQS("InvalidSecurity", "not signed by %s for %s", s.AccessKey, scope)
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	switch action := r.Header.Get("X-Amz-Target"); action {
	case "AmazonSQS.ReceiveMessage":
		var in sqsReceive
		if err := decodeStrict(body, &in); err != nil {
			return nil, err
		}
		return s.queues.receive(r.Context(), in)
	case "AmazonSQS.DeleteMessageBatch":
		var in sqsBatch
		if err := decodeStrict(body, &in); err != nil {
			return nil, err
		}
		return s.queues.change(in, false)
	case "AmazonSQS.ChangeMessageVisibilityBatch":
		var in sqsBatch
		if err := decodeStrict(body, &in); err != nil {
			return nil, err
		}
		return s.queues.change(in, true)
	default:
		return nil, refuseSQS("InvalidAction", "unknown action %q", action)
	}
}

func decodeStrict(body []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return refuseSQS("SerializationException", "%s", err)
	}
	return nil
}
