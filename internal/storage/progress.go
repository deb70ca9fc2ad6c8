package storage

import "time"

// Left is how many documents are neither parsed nor dead.
func (o Overview) Left() int {
	left := 0
	for status, n := range o.Documents {
		if status != StatusParsed && status != StatusDead {
			left += n
		}
	}
	return left
}

// ETA is how long what is left takes at the pace of the last minute; 0 where
// nothing is left, or where nobody can tell.
func (o Overview) ETA() time.Duration {
	left := o.Left()
	if left == 0 || o.FinishedLately == 0 || o.Account.Paused() {
		return 0
	}
	return time.Duration(left*60/o.FinishedLately) * time.Second
}
