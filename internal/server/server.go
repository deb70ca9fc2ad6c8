package server

import (
	"context"
	_ "embed" // openapi.json
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"casflow/internal/record"
	"casflow/internal/storage"
	"casflow/internal/storage/objectstore"
)

// queue hands documents to Redis: jobs.Enqueuer does.
type queue interface {
	// Queue hands recorded documents over at once, ahead of the dispatcher.
	Queue(ctx context.Context, recorded []uuid.UUID) error
	// Forget removes the archived tasks of documents that were put back.
	Forget(redriven []storage.Redriven) error
}

// Config is what a Server works with. All is required unless it says otherwise.
type Config struct {
	DB       *storage.DB
	Queue    queue
	Store    *objectstore.Store
	Recorder record.Recorder
	Services []Service
	Kinds    []string // of documents that there are parsers for
	Brokers  []string // whose contract notes there is a parser for

	UploadBucket  string   // "" uploads are refused
	UploadPrefix  string   // of uploaded objects' keys; "" or with a slash at its end
	Buckets       []string // that may be named; none: any
	RatePerSecond int      // requests of each service; 0 no limit
	MaxUploads    int      // uploads and batches that are received at once
	MaxBatchLines int      // of one request
	Events        Events

	// CheckCallback says what is wrong with a callback_url; nil: none is taken.
	CheckCallback func(address string) error
	// Health serves /metrics, /healthz and /readyz. It is given what /readyz is to ask
	// besides all else: whether this server is still to be sent requests.
	Health     func(ready func(context.Context) error) http.Handler
	Registerer prometheus.Registerer
	Logger     *slog.Logger
}

// Events says how the objects of S3 events are recorded.
type Events struct {
	Kind, Broker string // Broker "": none, or the API finds out
	Queue        string
	Batch        string // "" none
	Suffix       string // that their keys end in, whatever their case; "" any
}

// Server is the HTTP API. It is safe for concurrent use.
type Server struct {
	Config
	mux      *http.ServeMux
	routes   map[string]route // by pattern
	tokens   tokens
	limits   *limits
	metrics  *metrics
	hurry    *hurry
	stopping atomic.Bool
	handlers sync.WaitGroup
}

// route is one request that the API knows.
type route struct {
	pattern string
	public  bool // needs no token
	handle  handler
}

// handler answers a request of a service. It returns an error instead of writing
// one, unless it has begun to write.
type handler func(w http.ResponseWriter, r *http.Request, service string) error

//go:embed openapi.json
var openAPI []byte

// New returns a Server.
func New(config Config) *Server {
	s := &Server{
		Config: config, mux: http.NewServeMux(), routes: make(map[string]route), tokens: hashTokens(config.Services),
		limits:  newLimits(config.Services, config.RatePerSecond, config.MaxUploads),
		metrics: newMetrics(config.Registerer, config.Services), hurry: newHurry(config.Queue, config.Logger),
	}
	health := public(config.Health(s.Ready))
	for _, r := range []route{
		{"POST /v1/documents", false, s.postDocument},
		{"POST /v1/documents:batch", false, s.postBatch},
		{"GET /v1/documents/{id}", false, s.getDocument},
		{"GET /v1/batches/{id}", false, s.getBatch},
		{"GET /v1/dead-letters", false, s.getDeadLetters},
		{"POST /v1/dead-letters:redrive", false, s.postRedrive},
		{"POST /v1/s3-events", false, s.postEvents},
		{"GET /openapi.json", true, getOpenAPI},
		{"GET /healthz", true, health},
		{"GET /readyz", true, health},
		{"GET /metrics", true, health},
	} {
		s.routes[r.pattern] = r
		s.mux.HandleFunc(r.pattern, s.serve(r))
	}
	return s
}

// Ready is nil as long as requests are to be sent here.
func (s *Server) Ready(context.Context) error {
	if s.stopping.Load() {
		return errStopping
	}
	return nil
}

var errStopping = errors.New("the server is stopping")

func public(h http.Handler) handler {
	return func(w http.ResponseWriter, r *http.Request, _ string) error {
		h.ServeHTTP(w, r)
		return nil
	}
}

func getOpenAPI(w http.ResponseWriter, _ *http.Request, _ string) error {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(openAPI) // whoever asked may have gone
	return nil
}
