// Package casapi calls the CAS Parser API (casparser.in) and reads what it
// answers. A call is one HTTP request: retrying, pacing and deciding what a
// failure means for a document are left to the caller, who learns from an
// [Error] which class of failure it was, whether the call may have been billed
// all the same ([ErrOutcomeUnknown]) and how long the API asks to wait.
//
//	answer, err := client.Parse(ctx, casapi.Request{
//		Endpoint:  casapi.SmartParse,
//		RequestID: casapi.NewRequestID(),
//		Password:  password,
//		PDF:       file,
//		Size:      size,
//	})
//	...
//	statement, err := casapi.DecodeStatement(answer.Body)
//
// [DecodeStatement] keeps every value as the JSON text it came as, a [Value],
// so that amounts stay exact and nothing is guessed: what is absent, what
// cannot be read and what nobody expected each stay distinguishable. Members
// without a field of their own are kept in the Extra of their object.
//
// [DecodeContractNote] does the same for brokers' contract notes, which have an
// endpoint and a shape of their own.
//
// [Client.Credits] and [Client.Usage] ask for the account's balance and its log of
// calls, which tells in the end what became of a lost one.
//
// The package knows nothing of queues, databases or where PDFs come from. No
// password, key, URL or PAN shows in the text of its errors.
package casapi
