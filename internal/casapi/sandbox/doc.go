// Package sandbox is a local stand-in for the CAS Parser API, for tests and the
// demo. It checks what the API checks, opens each PDF for real with the password
// it was sent, keeps an exact ledger of what was paid for, remembers what belongs
// together (sessions, mailboxes, tokens), and plays faults by script. It knows
// nothing of casflow's other packages but the samples: it is the oracle that the
// rest is measured with, so it shares no code with it.
//
//	api := sandbox.New(sandbox.Config{Key: "sk_test", Credits: 50})
//	server := httptest.NewServer(api)
//	api.FailNext(sandbox.Fault{Status: http.StatusServiceUnavailable})
//	// ... run what is to be tested against server.URL ...
//	if got := api.Totals(); got.Billed != 1 { ... }
//
// # Paths
//
// All are POST. The answer to a parse call is the PDF's own attachment named
// samples.AttachmentName, byte for byte.
//
//	credits   path
//	1.0       /v4/smart/parse, /v4/cdsl/parse, /v4/nsdl/parse, /v4/cams_kfintech/parse
//	0.5       /v4/contract_note/parse
//	0.5       /v4/kfintech/generate, /v4/generate         Mailbacks tells of them
//	0         /v4/cdsl/fetch                              the OTP is Config.OTP
//	0.5       /v4/cdsl/fetch/{session_id}/verify          wrong OTPs are free
//	0         /v4/inbox/connect, status, disconnect       or ConnectInbox
//	0.2       /v4/inbox/cas                               whatever it finds, or fails of
//	0         /v1/credits, /v1/usage, /v1/usage/summary   and the API's older
//	0         /v1/token, /v1/token/verify                 paths of these
//
// Besides, links that were given out lead back here: GET /files/... for files,
// until they expire, and GET /oauth/... for the consent of a mailbox's owner, who
// agrees at once (with ?deny, refuses).
//
// # What is refused
//
// A key that is not Config.Key, an access token or SandboxKey is 401, an expired
// token 403. A request has just the fields of the documentation, of their types and
// once each: all else is 400 and names the field, as does a body that is not the
// documented Content-Type. Errors are {status, msg, code}; those of a request to an
// account path are {detail}, among them the refusal of access tokens there.
//
// # One parse call
//
// The checks come in this order, and the first that fails answers:
//
//	key        401 INVALID_API_KEY, 403 TOKEN_EXPIRED
//	rate       429 RATE_LIMITED with Retry-After
//	credits    402 INSUFFICIENT_CREDITS
//	body       413 (HTML, as an edge proxy sends it), 400, 422 FILE_TOO_LARGE
//	           -- the call has begun: AwaitCalls counts it, its fault is taken,
//	              Hold, Config.Latency and Fault.Delay make it wait --
//	fault      whatever the script says
//	document   400 (not a PDF, password, wrong type), 422 UNSUPPORTED_FORMAT
//	credits    402, when a neighbour spent the last one meanwhile
//	           200, and the price is taken: failed parses are not billed
//
// A call that was refused before it began takes no fault and waits for nothing.
//
// A client that goes away while its call waits is not billed, unless a Fault
// says Billed: then the credit is taken before the waiting begins, as by an API
// that goes on working for a caller that has hung up.
//
// # The sandbox key
//
// With SandboxKey, the API's documented one, parse calls have canned answers: a
// CDSL statement of smart and cdsl, one of NSDL of nsdl, one of the registrars of
// cams_kfintech. File and password are ignored, nothing is billed, and there are
// ten calls a minute. Contract notes are 403; all else works, for free, and is kept
// apart from what the other key does.
//
// # The usage log
//
// /v1/usage lists the calls of /v4 that have ended and whose key was taken, newest
// first by arrival. An entry tells what the API did, not what its caller learned:
//
//	billed                      200 and the price; cut, hidden by a fault's Status
//	                            or left by its client all the same
//	refused                     the status of the refusal, 0.0
//	a fault's Status, not       that status, 0.0
//	Billed
//	the client gone, or a Cut   499, 0.0
//	before there was an answer
//
// The query is start_time and end_time (RFC 3339, both inside; by default 30 days
// ago and no end) and limit (1 to 500, by default 100). It is free and has no rate
// limit. SetUsageFault makes the log unavailable, SetUsageLag late.
package sandbox
