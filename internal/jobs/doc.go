// Package jobs turns recorded documents into parsed or dead ones. It is the only
// importer of asynq: tasks, the dispatcher that keeps a small window of them in
// Redis, the processor that works on one, and the verdicts on what can go wrong.
//
// The ledger (package storage) is the truth and Redis is disposable. One
// document's way:
//
//	                  ┌──────────── dispatcher: oldest first, interactive ahead
//	                  ▼
//	pending ──► queued (task in Redis) ──► calling ─────────► parsed
//	   ▲           ▲                          │ │
//	   │           ├── retry, throttled ──────┘ └───────────► dead (+ asynq archive)
//	   │           └── the dispatcher again, if the task vanished
//	   └── stalled, released, redriven, or its worker died
//
// What happened decides, in verdict.go:
//
//	statement                                    parsed
//	400, 404, 422, 200 "failed"                  dead at once
//	401, 402, or a 403 that means one of them    dead at once, and the account pauses; it
//	                                             comes back when the account is well
//	another 403                                  dead at once
//	no password opens it, as found here          dead at once, no call
//	object missing, changed, too large, no PDF   dead at once, no call
//	413 by multipart                             once more by pdf_url, else dead
//	429                                          retry, not counted; the fleet holds and eases
//	408, 409, 5xx, network, timeout, cut off     retry, counted, dead when exhausted;
//	                                             one probe at a time when most end so
//	no permit for 10 minutes                     pending again, not counted, for a day
//	S3, Postgres or Redis away                   pending again, not counted, for a day
//	the same bytes are being called for          pending again, for their answer
//	success that is no statement                 dead, answer kept
//	panic; a second worker that dies of it       dead
//
// The processor makes one request per attempt: retrying is the queue's.
package jobs
