// Package schedule runs things at the times of cron expressions, once for all
// processes: who holds a lock in Postgres does, and whoever takes over goes on
// from what the ledger has. It does not know what it runs.
//
//	when, err := schedule.Parse("30 1 * * *", "Asia/Kolkata")
//	...
//	scheduler, err := schedule.New(db, registry, log, []schedule.Entry{{Name: "30 1 * * * s3://cas/in/", When: when, Run: scan}})
//	...
//	err = scheduler.Run(ctx)
//
// A schedule does not overlap with itself: what becomes due while it runs is left
// out. What became due while no process ran is caught up with, once, however often
// it was. A run that was cut short, by the end of its process say, is run again at
// once by the next one. A process that loses its connection without knowing it goes on
// for some seconds: it is for what is run to refuse to be begun twice, and then it is
// tried again until it can be.
package schedule
