// Package client calls the HTTP API of enqueuer serve, for other services: it
// submits PDFs that are in S3, or uploads them, and asks what became of them.
//
//	casflow, err := client.New(client.Config{BaseURL: "http://casflow:8080", Token: token})
//	...
//	submitted, err := casflow.Submit(ctx, client.Submission{Bucket: "statements", Key: "in/a.pdf"})
//	...
//	document, err := casflow.Document(ctx, submitted.DocumentID)
//
// Each call is one request. What is submitted twice is the same document, so a
// call that failed may be made again; an error that matches ErrTemporary asks for
// it, and *Problem.RetryAfter says when. Instead of asking again and again, name a
// callback_url.
//
// The types of this package are the ones that the server itself answers with.
package client
