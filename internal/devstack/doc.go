// Package devstack starts throw-away servers for tests and the demo: Postgres,
// Redis, Prometheus and an S3 server, all on loopback addresses with made-up credentials.
// It is never part of a production run.
//
//	postgres, err := devstack.StartPostgres(ctx, "")
//	...
//	defer postgres.Stop()
//	db, err := storage.Open(ctx, postgres.URL, 0)
//
// All but S3 are the programs installed on the machine; where one is
// missing the error matches ErrNotInstalled and names the package to install.
// They run as an ordinary user even when this process is root, which Postgres
// insists on. Any number of them can run side by side.
//
// Their end is certain: Stop waits for it and removes what they wrote; and when
// this process dies without stopping them, killed for instance, the kernel ends
// them (on Linux), and the directories they leave behind are removed by the next
// start.
package devstack

import "errors"

// ErrNotInstalled means that a server's program is not on this machine. The
// error that matches it names the package to install.
var ErrNotInstalled = errors.New("not installed")
