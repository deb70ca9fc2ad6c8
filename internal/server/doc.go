// Package server is the HTTP API of enqueuer serve: other services submit
// documents, one by one or by the hundred thousand, upload PDFs, and ask what
// became of them; S3 tells what was put there.
//
//	s := server.New(server.Config{...})
//	err := s.Serve(ctx, listener, server.Lifetime{...})
//
// The types that it answers with are those of casflow/client; openapi.json
// describes both, and a test holds it against the handlers. A handler returns an
// error instead of writing one: problem.go makes the answer of it.
//
// The ledger decides. Without Redis documents are taken all the same; without
// Postgres nothing is, and callers are told when to come again. Nothing of a
// request is kept in memory whole: a PDF goes by way of an unlinked file, a batch
// line by line.
package server
