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
//	               ▲                          │
//	               ├── retry, throttled, stalled
//	               │                          └─────────────► dead (+ asynq archive)
//	               └── the dispatcher again, if the task vanished or its worker died
//
// What happened decides, in verdict.go:
//
//	statement                                    parsed
//	400, 401, 402, 403, 404, 422, 200 "failed"   dead at once
//	object missing, changed, too large, no PDF   dead at once, no call
//	413 by multipart                             once more by pdf_url, else dead
//	429                                          retry, not counted; the fleet holds and eases
//	408, 409, 5xx, network, timeout, cut off     retry, counted, dead when exhausted;
//	                                             one probe at a time when most end so
//	no permit for 10 minutes                     retry, not counted, for a day
//	S3, Postgres or Redis away                   retry, not counted, for a day
//	success that is no statement                 dead, answer kept
//	panic                                        dead
//
// The processor makes one request per attempt: retrying is the queue's.
package jobs
