// Package sandbox is a local stand-in for the CAS Parser API, for tests and the
// demo. It checks what the API checks, opens each PDF for real with the password
// it was sent, keeps an exact ledger of what was paid for, and plays faults by
// script. It knows nothing of casflow's other packages but the samples: it is the
// oracle that the rest is measured with, so it shares no code with it.
//
//	api := sandbox.New(sandbox.Config{Key: "sk_test", Credits: 50})
//	server := httptest.NewServer(api)
//	api.FailNext(sandbox.Fault{Status: http.StatusServiceUnavailable})
//	// ... run what is to be tested against server.URL ...
//	if got := api.Totals(); got.Billed != 1 { ... }
//
// # Paths
//
// POST /v4/smart/parse, /v4/cdsl/parse, /v4/nsdl/parse, /v4/cams_kfintech/parse,
// /v1/credits and /v1/usage. The answer to a parse call is the PDF's own attachment named
// samples.AttachmentName, byte for byte.
//
// # One parse call
//
// The checks come in this order, and the first that fails answers:
//
//	key        401 INVALID_API_KEY
//	rate       429 RATE_LIMITED with Retry-After
//	credits    402 INSUFFICIENT_CREDITS
//	body       413 (HTML, as an edge proxy sends it), 400, 422 FILE_TOO_LARGE
//	           -- the call has begun: AwaitCalls counts it, its fault is taken,
//	              Hold, Config.Latency and Fault.Delay make it wait --
//	fault      whatever the script says
//	document   400 (not a PDF, password, wrong type), 422 UNSUPPORTED_FORMAT
//	credits    402, when a neighbour spent the last one meanwhile
//	           200, and one credit is taken: failed parses are not billed
//
// A call that was refused before it began takes no fault and waits for nothing.
//
// A client that goes away while its call waits is not billed, unless a Fault
// says Billed: then the credit is taken before the waiting begins, as by an API
// that goes on working for a caller that has hung up.
//
// # The usage log
//
// /v1/usage lists the parse calls that have ended and whose key was taken, newest
// first by arrival. An entry tells what the API did, not what its caller learned:
//
//	billed                      200, 1.0 credits; cut, hidden by a fault's Status
//	                            or left by its client all the same
//	refused                     the status of the refusal, 0.0
//	a fault's Status, not       that status, 0.0
//	Billed
//	the client gone, or a Cut   499, 0.0
//	before there was an answer
//
// The query is start_time and end_time (RFC 3339, both inside; by default 30 days
// ago and no end) and limit (1 to 500, by default 100); whatever else is in it,
// or a start after the end, is 400. It is free and has no rate limit.
// SetUsageFault makes the log unavailable, SetUsageLag late.
package sandbox
