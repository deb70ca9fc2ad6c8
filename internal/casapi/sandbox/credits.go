package sandbox

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Amount is a number of credits, in tenths of one: prices go down to 0.2.
type Amount int

// Credit is one credit.
const Credit Amount = 10

// What calls cost (the docs). All others are free.
const (
	parsePrice    = Credit
	notePrice     = Credit / 2 // of a contract note
	mailbackPrice = Credit / 2
	verifyPrice   = Credit / 2 // of the files of a depository
	inboxPrice    = Credit / 5 // of a list of mails
)

// String is the amount as the API writes it, with one decimal: "1.0".
func (a Amount) String() string { return fmt.Sprintf("%d.%d", a/Credit, a%Credit) }

// number is the amount in the log, plain the same in a balance: without a decimal
// where it is whole.
func (a Amount) number() json.Number { return json.Number(a.String()) }

func (a Amount) plain() json.Number { return json.Number(strings.TrimSuffix(a.String(), ".0")) }

// unlimited is the balance of an account that has no limit.
const unlimited Amount = -1

// newBalance is a balance of whole credits; below 0 it is unlimited.
func newBalance(credits int) Amount {
	if credits < 0 {
		return unlimited
	}
	return Amount(credits) * Credit
}

// account is whose key a call has. There are two: the one of Config.Key, and the
// one of the sandbox key, for which everything is free.
type account struct {
	canned bool
	left   Amount
	used   Amount
	rate   window
	log    []*logEntry
}

// logEntry is a call in the usage log.
type logEntry struct {
	at                time.Time
	id, path, feature string
	credits           Amount
	ended             bool
	// status is what the API itself came to, whatever its caller was told. 0: it
	// has come to nothing.
	status int
}

func (a *account) pays(price Amount) bool { return a.left == unlimited || a.left >= price }

// charge takes the price of a call; false means that there is not enough.
func (a *account) charge(e *logEntry, price Amount) bool {
	switch {
	case a.canned:
		return true
	case !a.pays(price):
		return false
	case a.left != unlimited:
		a.left -= price
	}
	a.used += price
	e.credits = price
	return true
}
