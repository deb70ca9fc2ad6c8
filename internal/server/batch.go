package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"casflow/client"
	"casflow/internal/record"
)

const (
	// chunkLines is the most lines that are recorded together.
	chunkLines = 500
	// chunkHeads is how many objects a batch asks S3 about at once.
	chunkHeads = 32
	// chunkTimeout is how long a chunk may take, S3 and the ledger together.
	chunkTimeout = 2 * time.Minute
	// streamIdle is how long nothing may arrive, or be taken, of a batch.
	streamIdle = time.Minute
)

// postBatch takes a stream of submissions, one JSON object a line, and answers with
// a stream of results, one a line, while the others arrive. Whoever does not take
// the results is not read from either.
func (s *Server) postBatch(w http.ResponseWriter, r *http.Request, service string) error {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || !slices.Contains([]string{"application/x-ndjson", "application/ndjson", "application/jsonl"}, media) {
		return newProblem(http.StatusUnsupportedMediaType, "the body's type is not application/x-ndjson")
	}
	leave, err := s.limits.enter(r.Context())
	if err != nil {
		return err
	}
	defer leave()
	control := http.NewResponseController(w)
	_ = control.EnableFullDuplex() // HTTP/2 always is
	b := &batch{Server: s, w: w, control: control, service: service, encoder: json.NewEncoder(w)}
	lines, stop := readLines(r, control)
	defer stop()
	return b.run(context.WithoutCancel(r.Context()), lines)
}

// batch is a stream of submissions on its way.
type batch struct {
	*Server
	w       http.ResponseWriter
	control *http.ResponseController
	encoder *json.Encoder
	service string
	lines   int   // so far
	away    error // what keeps all further lines from being tried
	begun   bool  // the answer has
	deaf    bool  // nobody takes the answer any more
}

// run works on the lines chunk by chunk. What has arrived whole is recorded even
// when nobody is there any more to be told.
func (b *batch) run(ctx context.Context, lines <-chan line) error {
	for {
		chunk := gather(lines)
		if len(chunk) == 0 {
			return b.end()
		}
		results, err := b.work(ctx, chunk)
		if err != nil {
			return err
		}
		b.write(results)
		if b.lines > b.MaxBatchLines {
			return b.end()
		}
	}
}

// gather waits for a line and takes those with it that have arrived too: a caller
// who waits for the result of one line before the next gets it.
func gather(lines <-chan line) []line {
	first, ok := <-lines
	if !ok {
		return nil
	}
	chunk := []line{first}
	for len(chunk) < chunkLines {
		select {
		case next, ok := <-lines:
			if !ok {
				return chunk
			}
			chunk = append(chunk, next)
		default:
			return chunk
		}
	}
	return chunk
}

// work makes documents of a chunk. An error is the answer to the whole request:
// where nothing was answered yet, and nothing can be.
func (b *batch) work(ctx context.Context, chunk []line) ([]client.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, chunkTimeout)
	defer cancel()
	results := make([]client.Result, len(chunk))
	items := make([]record.Item, 0, len(chunk))
	var places []int // of items in results
	for n, l := range chunk {
		results[n].Line = l.number
		item, err := b.read(l)
		if err != nil {
			b.refuse(&results[n], err)
			continue
		}
		items, places = append(items, item), append(places, n)
	}
	items, places, err := b.lookAll(ctx, items, places, results)
	var all []taken
	if err == nil && len(items) > 0 {
		all, err = b.take(ctx, items)
	}
	if err != nil {
		if !b.begun {
			b.metrics.submitted(b.service, outcomeFailed, len(items))
			return nil, err
		}
		b.away = err
		b.Logger.WarnContext(ctx, "batch cannot go on, its further lines are refused", slog.String("service", b.service), slog.Any("err", err))
	}
	for n, place := range places {
		switch {
		case err != nil:
			b.refuse(&results[place], err)
		case all[n].err != nil:
			b.refuse(&results[place], all[n].err)
		default:
			results[place].Submitted = &all[n].Submitted
			outcome := outcomeKnown
			if all[n].New {
				outcome = outcomeNew
			}
			b.metrics.submitted(b.service, outcome, 1)
		}
	}
	return results, nil
}

// read reads one line.
func (b *batch) read(l line) (record.Item, error) {
	b.lines++
	switch {
	case b.lines > b.MaxBatchLines:
		return record.Item{}, newProblem(http.StatusRequestEntityTooLarge, "more than %d lines; send the others in another request", b.MaxBatchLines)
	case l.err != nil:
		return record.Item{}, newProblem(http.StatusBadRequest, "%s", l.err)
	case b.away != nil:
		return record.Item{}, b.away
	}
	var sub submission
	if err := decode(l.text, &sub); err != nil {
		return record.Item{}, err
	}
	return b.item(sub)
}

// lookAll asks S3 about the objects of items, and leaves out those that it does not
// have. It is an error where none can be asked about.
func (b *batch) lookAll(ctx context.Context, items []record.Item, places []int, results []client.Result) ([]record.Item, []int, error) {
	faults := make([]error, len(items))
	var group errgroup.Group
	group.SetLimit(chunkHeads)
	for n := range items {
		group.Go(func() error {
			faults[n] = guarded(func() error { return b.look(ctx, &items[n]) })
			return nil // the others are still asked about
		})
	}
	_ = group.Wait() // no function returns an error
	failed := func(err error) bool { return err != nil && outcomeOf(err) == outcomeFailed }
	if len(items) > 0 && !slices.ContainsFunc(faults, func(err error) bool { return !failed(err) }) {
		return items, places, faults[0]
	}
	found := 0
	for n, err := range faults {
		if err != nil {
			b.refuse(&results[places[n]], err)
			continue
		}
		items[found], places[found] = items[n], places[n]
		found++
	}
	return items[:found], places[:found], nil
}

// refuse makes an error the result of a line.
func (b *batch) refuse(result *client.Result, err error) {
	p := problemOf(err)
	result.Error = &p.Problem
	b.metrics.submitted(b.service, outcomeOf(err), 1)
}

// write answers with results, as far as somebody takes them.
func (b *batch) write(results []client.Result) {
	if b.deaf {
		return
	}
	if !b.begun {
		b.begun = true
		b.w.Header().Set("Content-Type", "application/x-ndjson")
		b.w.Header().Set("Cache-Control", "no-store")
		b.w.WriteHeader(http.StatusOK)
	}
	_ = b.control.SetWriteDeadline(time.Now().Add(streamIdle)) // without it, the server's own limit holds
	for n := range results {
		if err := b.encoder.Encode(results[n]); err != nil {
			b.deaf = true
			return
		}
	}
	b.deaf = b.control.Flush() != nil
}

// end ends the answer. One that could not be told is an error, for the log.
func (b *batch) end() error {
	if b.deaf {
		return errDeaf
	}
	if !b.begun {
		b.write(nil)
	}
	return nil
}

var errDeaf = errors.New("the results were not taken; all whole lines that arrived are recorded")
