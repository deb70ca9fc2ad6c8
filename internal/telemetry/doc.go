// Package telemetry is how casflow is seen from outside: the logger, which masks
// PANs whatever is logged, the metrics registry, and the HTTP server of
// /metrics, /healthz and /readyz.
//
// # Keys of the log
//
// One list for all of casflow; a thing has the same key wherever it is logged:
//
//   - a document and its task: task_id queue retried document_id batch object_key
//     cas_type reason attempts
//   - a call: status_code request_id retry_in duration stages
//   - a request of another service: service route status_code duration; a callback
//     to one: host attempts status_code retry_in duration
//   - a program: version component addr concurrency, and the groups of its
//     configuration log postgres redis s3 api secret_key worker serve tokens callback
//   - the rest: documents callbacks failures text detail stack err
//
// Durations are text such as 1.5s, times RFC 3339 in UTC. What a PAN or a
// password is called has no key: neither is logged.
package telemetry
