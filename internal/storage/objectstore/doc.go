// Package objectstore reads and writes PDFs in S3 or a server that speaks its
// protocol. It knows buckets, keys and versions, and nothing of statements.
//
//	store, err := objectstore.Open(ctx, objectstore.Config{})
//	...
//	object, err := store.Get(ctx, objectstore.Ref{Bucket: "cas", Key: "2025/04/a.pdf"})
//	...
//	defer object.Body.Close()
//
// Requests are retried as the AWS SDK does by default, three attempts in all.
// What remains comes back as an *Error that matches fs.ErrNotExist,
// fs.ErrPermission or ErrChanged; any other error is worth another try later.
// No error, and no log line, holds a credential, a presigned URL, or a key with
// its PAN unmasked.
package objectstore
