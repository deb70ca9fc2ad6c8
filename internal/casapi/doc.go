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
// [Client.Credits], [Client.Usage] and [Client.UsageSummary] ask for the account's
// balance and its log of calls, which tells in the end what became of a lost one.
//
// Statements come to the API's users in three ways besides: by mail from a registrar
// ([Client.Generate]), from CDSL for an OTP ([Client.CDSLFetch], [Client.CDSLVerify])
// and out of a connected mailbox ([Client.InboxConnect] and what follows). The latter
// two give links, which [Client.Download] fetches. These requests are checked before
// they are sent, and the error names the field.
//
// Calls of /v4/* may go with a short-lived access token instead of the key, see
// Config.AccessTokens.
//
// The package knows nothing of queues, databases or where PDFs come from. No
// password, key, token, OTP, URL or PAN shows in the text of its errors.
package casapi
