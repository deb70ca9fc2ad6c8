package jobs

import (
	"strconv"

	"casflow/internal/storage"
)

// The checks, as cas.statement_checks names them.
const (
	checkAccountValue = "account_value"
	checkClassValue   = "class_value"
	checkClassCount   = "class_count"
	checkTotalValue   = "total_value"
	checkUnits        = "units"
	checkPeriodOrder  = "period_order"
	checkFutureDate   = "future_date"
	checkHolderPAN    = "holder_pan"
)

// check returns what does not add up in a statement. It flags and never mends:
// what is unknown is not checked, and sums are exact.
func check(s *storage.Statement) []storage.Check {
	c := checker{s: s, moves: make(map[holdingPlace][]storage.Transaction)}
	// Those of one holding follow each other.
	for start, i := 0, 0; i < len(s.Transactions); i++ {
		at := placeOf(&s.Transactions[i])
		if i+1 == len(s.Transactions) || placeOf(&s.Transactions[i+1]) != at {
			c.moves[at], c.places = s.Transactions[start:i+1], append(c.places, at)
			start = i + 1
		}
	}
	c.dates()
	c.values()
	c.counts()
	c.units()
	c.pans()
	return c.failed
}

// checker collects the checks that fail.
type checker struct {
	s      *storage.Statement
	moves  map[holdingPlace][]storage.Transaction
	places []holdingPlace // of moves, in the order of the answer
	failed []storage.Check
}

// holdingPlace is a holding or scheme.
type holdingPlace struct {
	kind             string
	account, holding int
}

func placeOf(t *storage.Transaction) holdingPlace {
	return holdingPlace{t.HoldingKind, t.Account, t.Holding}
}

// compare fails a check if what was found is not what is expected. Either may be
// unknown.
func (c *checker) compare(failed storage.Check, expected, found number) {
	if !expected.known || !found.known || expected.near(found) {
		return
	}
	failed.Expected, failed.Found = expected.String(), found.String()
	failed.Difference = found.minus(expected).String()
	c.failed = append(c.failed, failed)
}

// values holds holdings against their account, accounts against their class, and
// all of them against the total.
func (c *checker) values() {
	s := c.s
	parts := make(map[holdingPlace][]string) // the values in an account
	add := func(kind string, account int, value string) {
		at := holdingPlace{kind: kind, account: account}
		parts[at] = append(parts[at], value)
	}
	for i := range s.DematHoldings {
		add(storage.KindOfDemat, s.DematHoldings[i].Account, s.DematHoldings[i].Value)
	}
	for i := range s.Schemes {
		add(storage.KindOfMutualFund, s.Schemes[i].Folio, s.Schemes[i].Value)
	}
	for i := range s.NPSFunds {
		add(storage.KindOfNPS, s.NPSFunds[i].Account, s.NPSFunds[i].Value)
	}
	var all []string
	class := func(kind, table, name, classValue string, values []string) {
		for i, value := range values {
			failed := storage.Check{Name: checkAccountValue, Subject: table, Account: strconv.Itoa(i)}
			c.compare(failed, amount(value), sum(parts[holdingPlace{kind: kind, account: i}]...))
		}
		c.compare(storage.Check{Name: checkClassValue, Subject: name}, amount(classValue), sum(values...))
		all = append(all, values...)
	}
	class(storage.KindOfDemat, tableDematAccounts, "demat", s.Summary.Demat.Value,
		each(s.DematAccounts, func(a *storage.DematAccount) string { return a.Value }))
	class(storage.KindOfMutualFund, tableFolios, "mutual_funds", s.Summary.MutualFunds.Value,
		each(s.Folios, func(f *storage.Folio) string { return f.Value }))
	class(storage.KindOfNPS, tableNPSAccounts, "nps", s.Summary.NPS.Value,
		each(s.NPSAccounts, func(a *storage.NPSAccount) string { return a.Value }))

	expected, found := amount(s.TotalValue), sum(all...)
	// Whether the total counts insurance, the sources do not tell.
	if with := found.plus(amount(s.Summary.Insurance.Value)); with.known && expected.known && with.near(expected) {
		return
	}
	c.compare(storage.Check{Name: checkTotalValue, Subject: tableStatements}, expected, found)
}

func each[R any](rows []R, value func(*R) string) []string {
	values := make([]string, len(rows))
	for i := range rows {
		values[i] = value(&rows[i])
	}
	return values
}

// counts holds the number of accounts against the summary.
func (c *checker) counts() {
	counted := func(class, expected string, found int) {
		c.compare(storage.Check{Name: checkClassCount, Subject: class}, amount(expected), count(found))
	}
	s, sum := c.s, &c.s.Summary
	folios := len(s.Folios)
	if without := folios - placeholders(s); sum.MutualFunds.Count == strconv.Itoa(without) {
		folios = without
	}
	counted("demat", sum.Demat.Count, len(s.DematAccounts))
	counted("mutual_funds", sum.MutualFunds.Count, folios)
	counted("insurance", sum.Insurance.Count, len(s.InsurancePolicies))
	counted("nps", sum.NPS.Count, len(s.NPSAccounts))
}

// placeholders counts the folios that have neither number nor value, as users see
// them: whether a summary counts them is not known.
func placeholders(s *storage.Statement) int {
	n := 0
	for i := range s.Folios {
		f := &s.Folios[i]
		if f.FolioNumber == "" && amount(f.Value).sign() == 0 {
			n++
		}
	}
	return n
}
