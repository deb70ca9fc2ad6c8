package jobs

import (
	"strings"

	"casflow/internal/storage"
)

// units holds opening units and movements against closing units.
func (c *checker) units() {
	s := c.s
	for i := range s.DematHoldings {
		h := &s.DematHoldings[i]
		at := holdingPlace{storage.KindOfDemat, h.Account, h.Holding}
		// Transactions of demat holdings are often not there at all.
		if len(c.moves[at]) > 0 {
			c.moved(at, tableDematHoldings, h.OpenUnits, h.CloseUnits)
		}
	}
	detailed := false // a statement of holdings alone has no transactions anywhere
	for at := range c.moves {
		detailed = detailed || at.kind == storage.KindOfMutualFund
	}
	for i := range s.Schemes {
		if h := &s.Schemes[i]; detailed {
			c.moved(holdingPlace{storage.KindOfMutualFund, h.Folio, h.Scheme}, tableSchemes, h.OpenUnits, h.CloseUnits)
		}
	}
}

func (c *checker) moved(at holdingPlace, table, open, closing string) {
	if open == "" || closing == "" {
		return
	}
	found := amount(open)
	for _, units := range movements(c.moves[at]) {
		found = found.plus(units)
	}
	failed := at.check(table)
	failed.Name = checkUnits
	c.compare(failed, amount(closing), found)
}

// movements are the units that each transaction adds, or takes away; unknown
// where that cannot be told.
func movements(transactions []storage.Transaction) []number {
	moves := make([]number, len(transactions))
	undoing := undoing{undone: make(map[int]bool), byDay: make(map[string][]int), byAmount: make(map[string][]int)}
	reversals := false
	for i := range transactions {
		reversals = reversals || bareReversal(&transactions[i])
	}
	for i := range transactions {
		t := &transactions[i]
		if bareReversal(t) {
			if at := undoing.undo(t); at >= 0 {
				moves[i] = moves[at].negative()
			}
			continue
		}
		moves[i] = movement(t)
		if reversals && moves[i].sign() != 0 {
			undoing.add(i, t)
		}
	}
	return moves
}

// bareReversal reports whether a transaction is a reversal that does not tell its
// units.
func bareReversal(t *storage.Transaction) bool {
	return t.Units == "" && strings.EqualFold(t.Type, "REVERSAL")
}

// movement is the units that a transaction adds by itself.
func movement(t *storage.Transaction) number {
	credit, debit := amount(t.Credit), amount(t.Debit)
	switch {
	case credit.known && debit.known:
		if moved := credit.minus(debit); moved.sign() != 0 || t.Units == "" {
			return moved
		}
	case credit.sign() != 0:
		return credit
	case debit.sign() != 0:
		return debit.negative()
	}
	units := amount(t.Units)
	switch strings.ToUpper(t.Type) {
	case "REDEMPTION", "SWITCH_OUT", "SWITCH_OUT_MERGER": // often negative, and always meant so
		if units.sign() > 0 {
			return units.negative()
		}
		return units
	case "PURCHASE", "PURCHASE_SIP", "SWITCH_IN", "SWITCH_IN_MERGER", "DIVIDEND_REINVEST":
		return units
	}
	if !units.known {
		return count(0) // taxes, payouts: they move none
	}
	return units
}

// undoing finds what a reversal without units takes back: the latest transaction
// of the opposite amount that is not undone yet, rather one of the same day.
type undoing struct {
	byDay, byAmount map[string][]int // transactions by date and amount, and by amount
	undone          map[int]bool
}

func (u *undoing) add(i int, t *storage.Transaction) {
	if a := amount(t.Amount); a.known {
		key := a.String()
		u.byAmount[key] = append(u.byAmount[key], i)
		u.byDay[t.Date+" "+key] = append(u.byDay[t.Date+" "+key], i)
	}
}

// undo returns the transaction that a reversal undoes, -1 for none.
func (u *undoing) undo(reversal *storage.Transaction) int {
	a := amount(reversal.Amount)
	if !a.known {
		return -1
	}
	key := a.negative().String()
	if at := u.last(u.byDay, reversal.Date+" "+key); at >= 0 {
		return at
	}
	return u.last(u.byAmount, key)
}

func (u *undoing) last(among map[string][]int, key string) int {
	list := among[key]
	for len(list) > 0 {
		at := list[len(list)-1]
		list = list[:len(list)-1]
		among[key] = list
		if !u.undone[at] {
			u.undone[at] = true
			return at
		}
	}
	return -1
}
