// Package retrieve brings PDFs from elsewhere into S3: files of this machine, and
// those that the API has links to. It knows nothing of documents: whoever calls it
// records what it returns.
//
//	pdf, err := fetcher.Fetch(ctx, file)
//	...
//	placed, err := shelf.PutContent(ctx, pdf, file.Filename)
//
// Keys are made so that the same thing has the same key however often it comes, and
// so that nothing is lost where a process is killed between S3 and the ledger: what
// is there already is returned as if it had been put, to be recorded then.
//
//	{prefix}{SHA-256}/{name}                       a file, by its content
//	{prefix}{mailbox}/{message id}/{name}          a file that came by mail
//
// An object named {prefix}{SHA-256}.pdf, as enqueuer serve names uploads, counts as the
// same content. PANs in names are masked: keys show in consoles, and in the links that
// the API is given.
package retrieve
