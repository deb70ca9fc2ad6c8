package sandbox

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// parse answers one call of a parse path. The ledger has the whole of it before
// the first byte of the answer leaves.
func (s *Sandbox) parse(w http.ResponseWriter, r *http.Request, id string, to route) {
	n, refused := s.ledger.arrive(to, r.URL.Path, id, r.Header.Get(keyHeader))
	if refused != nil {
		drain(r)
		s.refuse(w, n, refused)
		return
	}
	fault, truth, refused := s.prepare(w, r, n, to)
	if refused != nil {
		drain(r)
		s.refuse(w, n, refused)
		return
	}
	if !await(r.Context(), s.ledger.begin(), s.latency+fault.Delay) {
		gone := failed(statusClientGone, "", "Client closed the request")
		s.ledger.finish(n, gone.status, true)
		gone.write(w)
		return
	}
	s.deliver(w, n, truth(), fault)
}

// refuse ends call n before it has a document: it begins and ends at once.
func (s *Sandbox) refuse(w http.ResponseWriter, n int, refused *answer) {
	s.ledger.finish(n, refused.status, false)
	s.ledger.begin()
	refused.write(w)
}

// prepare does what comes before the waiting: it reads the body, takes the fault
// and opens the PDF, which it then lets go, so that a call that waits holds only
// an answer, shared with the other calls for its document. truth gives the true
// answer, billed when it is asked for (at once where the fault says so), or nil
// where the fault leaves nothing of it.
func (s *Sandbox) prepare(w http.ResponseWriter, r *http.Request, n int, to route) (
	fault Fault, truth func() *answer, refused *answer,
) {
	canned := s.ledger.isCanned(n)
	up, refused := s.receive(w, r, to, canned)
	switch {
	case refused == nil:
	case refused.status == http.StatusRequestEntityTooLarge: // the edge knows no credits
		return Fault{}, nil, refused
	default:
		return Fault{}, nil, refused.withCredits(0, s.ledger.remaining(n))
	}
	fault = s.script.take(s.ledger.identify(n, up))
	if !fault.truthful() && !fault.Billed {
		return fault, func() *answer { return nil }, nil
	}
	var doc document
	if canned {
		doc = s.canned(to)
	} else {
		doc = s.documents.open(up)
		doc.hint = up.broker
	}
	if fault.Billed {
		settled := s.settle(n, doc, to)
		return fault, func() *answer { return settled }, nil
	}
	return fault, func() *answer { return s.settle(n, doc, to) }, nil
}

// settle finds the true answer to call n, bills it if it is a success, and enters
// it for the usage log.
func (s *Sandbox) settle(n int, doc document, to route) *answer {
	truth := s.judge(n, doc, to)
	s.ledger.settle(n, truth.status)
	return truth
}

func (s *Sandbox) judge(n int, doc document, to route) *answer {
	refused := doc.refused
	if refused == nil {
		refused = doc.misfit(to.want)
	}
	if refused != nil {
		return refused.withCredits(0, s.ledger.remaining(n))
	}
	used, left, ok := s.ledger.charge(n, to.price)
	if !ok {
		return noCredits().withCredits(0, left)
	}
	success := answer{status: http.StatusOK, header: http.Header{"Content-Type": {jsonType}}, body: doc.answer}
	return success.withCredits(used, left)
}

// misfit is the refusal of a document that the path does not take.
func (d *document) misfit(want string) *answer {
	switch {
	case want == contractNote && d.casType != contractNote:
		return badRequest("Unsupported file: this is not a contract note")
	case want == contractNote && d.hint != "" && d.hint != d.broker:
		return badRequest("Unsupported file: this is not a contract note of " + d.hint)
	case want == contractNote, want == anyCAS && d.casType != contractNote, strings.EqualFold(want, d.casType):
		return nil
	case want == anyCAS:
		return unsupported()
	}
	return badRequest("Wrong CAS type: this file is not a " + want + " statement")
}

// deliver enters the end of call n and gives the caller what the fault leaves of
// it. truth is nil where the true answer was never found out.
func (s *Sandbox) deliver(w http.ResponseWriter, n int, truth *answer, fault Fault) {
	told := truth
	if fault.Status != 0 {
		told = fault.answer()
	}
	status := 0
	switch {
	case !fault.Cut:
		status = told.status
	case truth != nil:
		status = truth.status
	}
	s.ledger.finish(n, status, fault.Cut || fault.CutAfter > 0)
	fault.tell(w, told)
}

// await waits until every hold is released and d has passed; false means that
// ctx ended first.
func await(ctx context.Context, holds []chan struct{}, d time.Duration) bool {
	for _, hold := range holds {
		select {
		case <-hold:
		case <-ctx.Done():
			return false
		}
	}
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
