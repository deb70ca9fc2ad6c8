package sandbox

import (
	"net/http"
	"strings"
)

// The paths of the parse calls.
const (
	SmartParse        = "/v4/smart/parse"
	CDSLParse         = "/v4/cdsl/parse"
	NSDLParse         = "/v4/nsdl/parse"
	CAMSKFintechParse = "/v4/cams_kfintech/parse"
	ContractNoteParse = "/v4/contract_note/parse"
)

// The paths of the other paid or limited calls. FetchVerify stands for each of
// /v4/cdsl/fetch/{session_id}/verify.
const (
	KFintechGenerate = "/v4/kfintech/generate"
	Generate         = "/v4/generate"
	CDSLFetch        = "/v4/cdsl/fetch"
	CDSLVerify       = "/v4/cdsl/fetch/{session_id}/verify"
	InboxConnect     = "/v4/inbox/connect"
	InboxStatus      = "/v4/inbox/status"
	InboxCAS         = "/v4/inbox/cas"
	InboxDisconnect  = "/v4/inbox/disconnect"
)

// The paths of the account calls.
const (
	creditsPath     = "/v1/credits"
	usagePath       = "/v1/usage"
	summaryPath     = "/v1/usage/summary"
	tokenPath       = "/v1/token"
	verifyTokenPath = "/v1/token/verify"
)

// route is what the API does at one path.
type route struct {
	path    string // with {session_id}, where it has one
	feature string // the API's name for it (the docs); "" for account calls
	price   Amount // of a success
	// want is the kind of document that a parse path takes: the meta.cas_type of
	// its answer, anyCAS or contractNote. "": no parse path.
	want string
	// serve answers any other path. session is the {session_id}.
	serve func(s *Sandbox, c *visit) *answer
}

// What a parse path takes besides one meta.cas_type.
const (
	anyCAS       = "any CAS"
	contractNote = "contract note"
)

// routes are the paths that are answered.
func routes() []route {
	return []route{
		{path: SmartParse, feature: "smart_parser", price: parsePrice, want: anyCAS},
		{path: CDSLParse, feature: "cdsl_cas_parser", price: parsePrice, want: "CDSL"},
		{path: NSDLParse, feature: "nsdl_cas_parser", price: parsePrice, want: "NSDL"},
		{path: CAMSKFintechParse, feature: "cams_kfintech_cas_parser", price: parsePrice, want: "CAMS_KFINTECH"},
		{path: ContractNoteParse, feature: "contract_note_parser", price: notePrice, want: contractNote},
		{path: KFintechGenerate, feature: "kfintech_cas_generator", price: mailbackPrice, serve: (*Sandbox).mailback},
		{path: Generate, feature: "kfintech_cas_generator", price: mailbackPrice, serve: (*Sandbox).mailback},
		{path: CDSLFetch, feature: "cdsl_cas_fetch", serve: (*Sandbox).cdslFetch},
		{path: CDSLVerify, feature: "cdsl_cas_fetch", price: verifyPrice, serve: (*Sandbox).cdslVerify},
		{path: InboxConnect, feature: "inbox_connect", serve: (*Sandbox).inboxConnect},
		{path: InboxStatus, feature: "inbox_status", serve: (*Sandbox).inboxStatus},
		{path: InboxCAS, feature: "inbox_pull", price: inboxPrice, serve: (*Sandbox).inboxCAS},
		{path: InboxDisconnect, feature: "inbox_disconnect", serve: (*Sandbox).inboxDisconnect},
	}
}

// features are the names of all there is to use, each once.
func features() []string {
	var names []string
	for _, r := range routes() {
		if len(names) == 0 || names[len(names)-1] != r.feature {
			names = append(names, r.feature)
		}
	}
	return names
}

// routeOf finds the route of a path, and the session id in it.
func routeOf(path string) (to route, session string, ok bool) {
	before, after, _ := strings.Cut(CDSLVerify, "{session_id}")
	if rest, found := strings.CutPrefix(path, before); found {
		if id, found := strings.CutSuffix(rest, after); found && id != "" && !strings.Contains(id, "/") {
			path, session = CDSLVerify, id
		}
	}
	for _, r := range routes() {
		if r.path == path {
			return r, session, true
		}
	}
	return route{}, "", false
}

// visit is one call of a path that is no parse path.
type visit struct {
	request *http.Request
	account *account
	session string // the {session_id} of the path
	bill    bool   // set by what serves it: the price is to be taken
}

// visit answers one call of such a path. Its checks: key, rate, credits, the
// script, and whatever the path checks.
func (s *Sandbox) visit(w http.ResponseWriter, r *http.Request, id string, to route, session string) {
	b, refused := s.ledger.visit(to, r.URL.Path, id, r.Header.Get(keyHeader))
	if refused != nil {
		drain(r)
		s.leave(b, refused.status)
		refused.write(w)
		return
	}
	fault := s.script.takePath(to.path)
	var truth *answer
	if fault.truthful() || fault.Billed {
		truth = s.truth(&visit{request: r, account: b.account, session: session}, b, to)
	}
	drain(r)
	if !await(r.Context(), nil, fault.Delay) {
		s.leave(b, statusClientGone)
		return
	}
	told := truth
	if fault.Status != 0 {
		told = fault.answer()
	}
	if told == nil {
		s.leave(b, 0)
	} else {
		s.leave(b, told.status)
	}
	fault.tell(w, told)
}

// truth is the true answer to a call, billed where it is to be.
func (s *Sandbox) truth(c *visit, b booking, to route) *answer {
	truth := to.serve(s, c)
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	if c.bill && !b.charge(b.logEntry, to.price) {
		truth = noCredits() // a neighbour spent the last one meanwhile
	}
	b.status = truth.status
	return truth.withCredits(b.credits, b.left)
}

func (s *Sandbox) leave(b booking, told int) {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	b.close(told)
}
