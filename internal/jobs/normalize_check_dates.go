package jobs

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"casflow/internal/storage"
)

// dates checks that the period has an order, and that nothing has happened that
// was still to come when the answer arrived.
func (c *checker) dates() {
	key := &c.s.Key
	if key.PeriodFrom > key.PeriodTo {
		c.failed = append(c.failed, storage.Check{
			Name: checkPeriodOrder, Subject: tableStatements, Difference: days(key.PeriodTo, key.PeriodFrom),
			Detail: "the period begins on " + key.PeriodFrom + " and ends on " + key.PeriodTo,
		})
	}
	today := c.s.ReceivedAt.In(time.FixedZone("IST", 5*3600+1800)).Format(time.DateOnly)
	if key.PeriodTo > today {
		c.future(storage.Check{Subject: tableStatements}, "the period ends", today, key.PeriodTo)
	}
	for _, at := range c.places {
		moves := c.moves[at]
		for i := range moves {
			if moves[i].Date > today {
				failed := at.check(tableTransactions)
				failed.Ordinal = strconv.Itoa(moves[i].Ordinal)
				c.future(failed, "a transaction is", today, moves[i].Date)
				break // once for a holding
			}
		}
	}
}

func (c *checker) future(failed storage.Check, what, today, day string) {
	failed.Name, failed.Difference = checkFutureDate, days(today, day)
	failed.Detail = what + " on " + day + ", and the answer arrived on " + today
	c.failed = append(c.failed, failed)
}

// days is how many days it is from one ISO date to another.
func days(from, to string) string {
	first, err := time.Parse(time.DateOnly, from)
	if err != nil {
		return ""
	}
	last, err := time.Parse(time.DateOnly, to)
	if err != nil {
		return ""
	}
	return strconv.Itoa(int(last.Sub(first) / (24 * time.Hour)))
}

// check is a check of a holding that fails.
func (p holdingPlace) check(subject string) storage.Check {
	return storage.Check{Subject: subject, Account: strconv.Itoa(p.account), Holding: strconv.Itoa(p.holding)}
}

// pans checks that each account which names PANs names the investor's.
func (c *checker) pans() {
	pan := c.s.Key.PAN
	tables := map[string]string{
		storage.KindOfDemat: tableDematAccounts, storage.KindOfMutualFund: tableFolios, storage.KindOfNPS: tableNPSAccounts,
	}
	strangers := make(map[holdingPlace]bool) // accounts whose holders have PANs: are all of them others'?
	for i := range c.s.LinkedHolders {
		h := &c.s.LinkedHolders[i]
		at := holdingPlace{kind: h.HolderKind, account: h.Account}
		if all, known := strangers[at]; h.PAN != "" {
			strangers[at] = h.PAN != pan && (all || !known)
		}
	}
	for i := range c.s.Folios {
		if other := c.s.Folios[i].PAN; other != "" && other != pan {
			strangers[holdingPlace{kind: storage.KindOfMutualFund, account: i}] = true
		}
	}
	var failed []holdingPlace
	for at, all := range strangers {
		if all {
			failed = append(failed, at)
		}
	}
	slices.SortFunc(failed, func(a, b holdingPlace) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.account, b.account))
	})
	for _, at := range failed {
		c.failed = append(c.failed, storage.Check{
			Name: checkHolderPAN, Subject: tables[at.kind], Account: strconv.Itoa(at.account),
			Detail: "of the PANs that it names none is the statement's",
		})
	}
}
