package jobs

import (
	"context"
	"time"

	"casflow/internal/redact"
	"casflow/internal/storage"
)

// run is one try of one document, from claim to verdict.
type run struct {
	p        *Processor
	document storage.Document
	object   Object
	parser   parser
	attempts int                // counted API attempts, this try's included
	end      storage.AttemptEnd // the attempt that is not yet closed in the ledger, if it has a RequestID
	parked   bool               // the answer in hand is, or may be, parked in Redis
	stages   stages
	stack    []byte // of a panic
	done     func() // the process no longer works on the document

	// What a call needs, from prepare.
	file       *pdf
	candidates []redact.Secret // passwords that may open it; "" is none
}

func newRun(p *Processor, document storage.Document, started time.Time) *run {
	r := &run{
		p: p, document: document, parser: parsers[document.Kind], attempts: document.Attempts,
		object: Object{Bucket: document.Bucket, Key: document.Key, VersionID: document.VersionID, ETag: document.ETag},
	}
	r.stages.began = started
	r.stages.observe = func(stage string, took time.Duration) {
		p.Metrics.stageDuration.WithLabelValues(stage).Observe(took.Seconds())
	}
	r.stages.add("claim", time.Since(started))
	return r
}

// fetch brings the PDF to this machine.
func (r *run) fetch(ctx context.Context) (*pdf, error) {
	defer r.stages.start("fetch")()
	file, err := spool(ctx, r.p.Objects, r.object, &r.p.memory)
	if err != nil && judge(err).action == actStall {
		r.p.Metrics.backendFailed(backendS3)
	}
	return file, err
}
