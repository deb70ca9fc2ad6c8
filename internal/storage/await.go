package storage

import (
	"context"
	"fmt"
	"time"
)

// Who records documents says so in the same transaction, and the leader need not wait
// until it looks again. One that is not told, by another version of the program say,
// finds them all the same.
const (
	wakeSQL   = `NOTIFY casflow_pending`
	listenSQL = `LISTEN casflow_pending`
)

// Await returns as soon as documents have been recorded since it was asked last, at the
// latest after limit. An error means that the lead is lost.
func (l *Leader) Await(ctx context.Context, limit time.Duration) error {
	waiting, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	_, err := l.conn.Conn().WaitForNotification(waiting)
	if err != nil {
		if waiting.Err() != nil {
			return nil
		}
		return fmt.Errorf("wait for documents: %w", err)
	}
	cancel()
	for err == nil { // what else has come says the same
		_, err = l.conn.Conn().WaitForNotification(waiting)
	}
	return nil
}
