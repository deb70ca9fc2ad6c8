package sandbox

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

// Fault is what happens to a call instead of, or besides, its true answer.
// The zero value changes nothing and is used up by one call.
type Fault struct {
	// Status answers with this status, Header and Body. 0: the true answer.
	Status int
	// Header is added to a Status answer and overrides the Sandbox's own, such
	// as Content-Type and X-Request-ID.
	Header http.Header
	// Body is the body of a Status answer. "": an error in the API's own shape.
	Body string
	// Delay passes before the answer or the cut, after Config.Latency. It ends
	// early when the client goes away.
	Delay time.Duration
	// Cut resets the connection instead of answering.
	Cut bool
	// CutAfter ends the connection after so many bytes of the answer's body,
	// whose Content-Length was announced in full: of the true answer, which is
	// billed as always, or of the Status answer. 0: no cut.
	CutAfter int
	// Billed parses and bills the document (does and bills what was asked for, with
	// FailPath), if it can be parsed and paid for, although the caller does not learn it; that is done before any waiting, so
	// it holds even when the client goes away.
	Billed bool
	// Times is how many calls the fault is for. 0: one; below 0: all from then
	// on, until ClearFaults.
	Times int
}

// truthful tells whether the caller gets (some of) the true answer.
func (f *Fault) truthful() bool { return f.Status == 0 && !f.Cut }

// tell gives the caller what the fault leaves of an answer.
func (f *Fault) tell(w http.ResponseWriter, told *answer) {
	switch {
	case f.Cut:
		cut(w)
	case f.CutAfter > 0:
		told.writeCut(w, f.CutAfter)
	default:
		told.write(w)
	}
}

// answer is the scripted answer of a fault that has a Status.
func (f *Fault) answer() *answer {
	a := failed(f.Status, "", "Scripted fault: "+http.StatusText(f.Status))
	if f.Body != "" {
		a.body = []byte(f.Body)
		a.header.Set("Content-Type", typeOf(a.body))
	}
	for name, values := range f.Header {
		a.header[http.CanonicalHeaderKey(name)] = slices.Clone(values)
	}
	return a
}

// FailNext lets the next parse calls fail, in order, whatever their document:
// the calls in the order in which they begin (their body has been read, and no
// check refused them). It comes before FailDocument and FailWhen, whose faults
// are not used up by a call that FailNext's are for.
func (s *Sandbox) FailNext(faults ...Fault) { s.script.add(nil, faults) }

// FailDocument lets the next parse calls for the PDF with this SHA-256 fail, in
// order. It comes after FailNext and before FailWhen.
func (s *Sandbox) FailDocument(sum [32]byte, faults ...Fault) { s.script.addDocument(sum, faults) }

// FailWhen lets the next parse calls that match says yes to fail, in order. It
// comes last, in the order in which it was called. match gets the call as far as
// it is known: all but Status, Credits, Billed and Cut. It must not call the
// Sandbox.
func (s *Sandbox) FailWhen(match func(Call) bool, faults ...Fault) { s.script.add(match, faults) }

// FailPath lets the next calls of a path that is no parse path fail, in order, once
// key, rate and credits have been checked. Hold and Config.Latency are not for them.
func (s *Sandbox) FailPath(path string, faults ...Fault) {
	s.script.mu.Lock()
	defer s.script.mu.Unlock()
	if s.script.paths == nil {
		s.script.paths = map[string]*faultQueue{}
	}
	if s.script.paths[path] == nil {
		s.script.paths[path] = &faultQueue{}
	}
	s.script.paths[path].add(faults)
}

// ClearFaults forgets every fault that has not happened yet.
func (s *Sandbox) ClearFaults() { s.script.clear() }

// script holds the faults to come. Its zero value holds none.
type script struct {
	mu        sync.Mutex
	next      faultQueue
	documents map[[32]byte]*faultQueue
	rules     []*rule
	paths     map[string]*faultQueue // of FailPath
}

type rule struct {
	match func(Call) bool
	queue faultQueue
}

func (s *script) add(match func(Call) bool, faults []Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if match == nil {
		s.next.add(faults)
		return
	}
	s.rules = append(s.rules, &rule{match: match, queue: slices.Clone(faults)})
}

func (s *script) addDocument(sum [32]byte, faults []Fault) {
	if len(faults) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.documents == nil {
		s.documents = map[[32]byte]*faultQueue{}
	}
	if s.documents[sum] == nil {
		s.documents[sum] = &faultQueue{}
	}
	s.documents[sum].add(faults)
}

func (s *script) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next, s.documents, s.rules, s.paths = nil, nil, nil, nil
}

// take uses up the fault that c meets; the zero Fault if there is none.
func (s *script) take(c Call) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.next) > 0 {
		return s.next.take()
	}
	if queue := s.documents[c.SHA256]; queue != nil {
		fault := queue.take()
		if len(*queue) == 0 {
			delete(s.documents, c.SHA256)
		}
		return fault
	}
	for i, rule := range s.rules {
		if len(rule.queue) == 0 || !rule.match(c) {
			continue
		}
		fault := rule.queue.take()
		if len(rule.queue) == 0 {
			s.rules = slices.Delete(s.rules, i, i+1)
		}
		return fault
	}
	return Fault{}
}

// takePath uses up the fault that a call of a path meets.
func (s *script) takePath(path string) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if queue := s.paths[path]; queue != nil {
		return queue.take()
	}
	return Fault{}
}

// faultQueue holds faults in the order in which they happen, each with the
// calls that it is still for.
type faultQueue []Fault

func (q *faultQueue) add(faults []Fault) { *q = append(*q, faults...) }

// take uses up one call of the first fault; the zero Fault if there is none.
func (q *faultQueue) take() Fault {
	if len(*q) == 0 {
		return Fault{}
	}
	fault := (*q)[0]
	switch {
	case fault.Times < 0:
	case fault.Times > 1:
		(*q)[0].Times--
	default:
		*q = (*q)[1:]
	}
	return fault
}
