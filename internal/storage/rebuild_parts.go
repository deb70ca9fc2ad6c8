package storage

import (
	"slices"
	"strings"
)

// buckets are where the holdings of an asset class stand in the answer.
var buckets = []struct{ class, path string }{ //nolint:gochecknoglobals // a constant
	{AssetEquity, "holdings.equities"},
	{AssetCorporateBond, "holdings.corporate_bonds"},
	{AssetGovernmentSecurity, "holdings.government_securities"},
	{AssetAIF, "holdings.aifs"},
	{AssetDematMutualFund, "holdings.demat_mutual_funds"},
}

func (b *builder) dematAccounts(s *Statement) {
	flat := make(map[int]map[int]string) // by account, then by place in its list
	for i := range s.DematHoldings {
		h := &s.DematHoldings[i]
		text := b.row(dematHoldingsTable, h.cells(nil, nil), func(o *object) {
			b.list(o, "transactions", b.transactions[place{KindOfDemat, h.Account, h.Holding}])
		})
		at := place{kind: h.AssetClass, account: h.Account}
		b.holdings[at] = append(b.holdings[at], text)
		if flat[h.Account] == nil {
			flat[h.Account] = make(map[int]string)
		}
		flat[h.Account][h.Holding] = text
	}
	for i := range s.DematAccounts {
		b.accounts = append(b.accounts, b.row(dematAccountsTable, s.DematAccounts[i].cells(new(int), nil), func(o *object) {
			b.list(o, "linked_holders", b.holders[place{kind: KindOfDemat, account: i}])
			length := 0
			if !b.structure(o, lengthOf+"holdings", &length) {
				for _, bucket := range buckets {
					b.list(o, bucket.path, b.holdings[place{kind: bucket.class, account: i}])
				}
				return
			}
			for at, text := range flat[i] {
				b.set(o, index("holdings", at), text)
			}
			list := o.at([]step{{name: "holdings"}})
			list.length = max(list.length, length)
		}))
	}
}

func (b *builder) folios(s *Statement) {
	for i := range s.Schemes {
		c := &s.Schemes[i]
		b.add(b.holdings, place{kind: KindOfMutualFund, account: c.Folio}, schemesTable, c.cells(nil, nil), func(o *object) {
			b.list(o, "transactions", b.transactions[place{KindOfMutualFund, c.Folio, c.Scheme}])
		})
	}
	for i := range s.Folios {
		b.funds = append(b.funds, b.row(foliosTable, s.Folios[i].cells(new(int), nil), func(o *object) {
			b.list(o, "linked_holders", b.holders[place{kind: KindOfMutualFund, account: i}])
			b.list(o, "schemes", b.holdings[place{kind: KindOfMutualFund, account: i}])
		}))
	}
}

func (b *builder) npsAccounts(s *Statement) {
	for i := range s.NPSFunds {
		f := &s.NPSFunds[i]
		b.add(b.holdings, place{kind: KindOfNPS, account: f.Account}, npsFundsTable, f.cells(nil, nil), nil)
	}
	for i := range s.NPSAccounts {
		b.pensions = append(b.pensions, b.row(npsAccountsTable, s.NPSAccounts[i].cells(new(int), nil), func(o *object) {
			b.list(o, "linked_holders", b.holders[place{kind: KindOfNPS, account: i}])
			b.list(o, "funds", b.holdings[place{kind: KindOfNPS, account: i}])
		}))
	}
}

// header puts the whole answer together.
func (b *builder) header(s *Statement, policies []string) string {
	k := &s.Key
	columns := append(slices.Clone(statementFamily.key), headerTable.columns...)
	cells := s.cells(nil, []any{&k.PAN, &k.PeriodFrom, &k.PeriodTo, &k.CASType})
	return b.row(table{columns: columns}, cells, func(o *object) {
		b.list(o, "demat_accounts", b.accounts)
		b.list(o, "insurance.life_insurance_policies", policies)
		b.list(o, "nps", b.pensions)
		var groups []FolioGroup
		if b.structure(o, folioGroups, &groups) {
			b.groupFolios(o, groups)
		} else {
			b.list(o, "mutual_funds", b.funds)
		}
		b.wrap(o)
	})
}

// groupFolios puts folios back into the objects that were around some of them.
func (b *builder) groupFolios(o *object, groups []FolioGroup) {
	var nulls []int
	b.structure(o, nullsOf+"mutual_funds", &nulls)
	list, rest := o.at([]step{{name: "mutual_funds"}}), b.funds
	take := func(n int) []string {
		n = min(n, len(rest))
		taken := rest[:n]
		rest = rest[n:]
		return taken
	}
	for at := 0; len(rest)+len(groups)+len(nulls) > 0; at++ {
		list.length = max(list.length, at+1)
		switch {
		case len(nulls) > 0 && nulls[0] <= at:
			nulls = nulls[1:]
		case len(groups) > 0 && groups[0].At <= at:
			folios := withNulls(take(groups[0].Count), groups[0].Nulls)
			b.set(o, index("mutual_funds", at)+".folios", "["+strings.Join(folios, ",")+"]")
			groups = groups[1:]
		default:
			for _, folio := range take(1) {
				b.set(o, index("mutual_funds", at), folio)
			}
		}
	}
}

// wrap puts the answer back into the object that was around it.
func (b *builder) wrap(o *object) {
	var w Wrapper
	if !b.structure(o, wrapperOf, &w) {
		return
	}
	inner := o.node
	o.node = node{}
	for _, name := range w.Beside {
		if member := inner.members[name]; member != nil {
			o.put(step{name: name}, member)
			delete(inner.members, name)
		}
	}
	for name, raw := range w.Shadowed {
		o.put(step{name: name}, &node{raw: string(raw)})
	}
	o.put(step{name: w.In}, &inner)
}
