package samples

import (
	"strconv"
	"strings"
)

// render lays a sample out. A statement has a cover, the accounts and folios, the
// transactions, insurance and pensions, and a page of notes.
func render(sample *Sample) [][]byte {
	s := newSheet(sample)
	if sample.ContractNote != nil {
		s.contractNote(sample.ContractNote)
		return s.finish()
	}
	st := sample.Statement
	s.turn()
	s.cover(st)
	s.turn()
	s.accounts(st.DematAccounts)
	s.folios(st.MutualFunds)
	s.transactions(st)
	s.policies(st.Insurance.LifeInsurancePolicies)
	s.pensions(st.NPS)
	s.turn()
	s.notes()
	return s.finish()
}

// cover tells whose statement it is and what it comes to.
func (s *sheet) cover(st *Statement) {
	inv := st.Investor
	s.cards("Investor", [][2]string{
		{"Name", inv.Name},
		{"PAN", inv.PAN},
		{"Address", addressOf(inv)},
		{"Mobile", told(inv.Mobile)},
		{"Email", told(inv.Email)},
	}, "Statement", [][2]string{
		{"Period from", day(st.Meta.StatementPeriod.From)},
		{"Period to", day(st.Meta.StatementPeriod.To)},
		{"CAS ID", told(inv.CASID)},
		{"Source", string(st.Meta.CASType)},
		{"Total value", "INR " + money(st.Summary.TotalValue)},
	})

	s.heading("Summary")
	t := s.newTable(
		column{"Section", 50, false}, column{"Accounts", 15, true}, column{"Value (INR)", 35, true})
	line := func(title string, a *AccountTotal) {
		if a != nil {
			t.row(title, strconv.Itoa(a.Count), money(a.TotalValue))
		}
	}
	line("Demat accounts", &st.Summary.Accounts.Demat)
	line("Mutual fund folios", &st.Summary.Accounts.MutualFunds)
	line("Life insurance policies (no value is reported)", st.Summary.Accounts.Insurance)
	line("National Pension System", st.Summary.Accounts.NPS)
	t.total("Total", "", money(st.Summary.TotalValue))
	t.end()

	s.heading("By account")
	t = s.newTable(column{"Account", 34, false}, column{"With", 30, false},
		column{"Positions", 12, true}, column{"Value (INR)", 24, true})
	for i := range st.DematAccounts {
		a := &st.DematAccounts[i]
		n := 0
		for range a.Holdings.All() {
			n++
		}
		t.row(string(a.DematType)+" demat "+accountNumber(a), a.DPName, strconv.Itoa(n), money(a.Value))
	}
	for _, f := range st.MutualFunds {
		t.row("Folio "+told(f.FolioNumber), f.AMC, strconv.Itoa(len(f.Schemes)), money(f.Value))
	}
	for _, n := range st.NPS {
		t.row("PRAN "+n.PRAN, n.CRA, strconv.Itoa(len(n.Funds)), money(n.Value))
	}
	t.total("Total", "", "", money(st.Summary.TotalValue))
	t.end()
	s.composition(st)
}

// composition tells what the value is in, with a bar for the share of each.
func (s *sheet) composition(st *Statement) {
	total := st.Summary.TotalValue.decimal()
	if total.sign() <= 0 {
		return
	}
	s.heading("By kind")
	t := s.newTable(column{"Kind", 24, false}, column{"Value (INR)", 20, true}, column{"Share %", 10, true},
		column{"", 46, false})
	line := func(title string, value decimal) {
		if value.sign() == 0 {
			return
		}
		share := value.mul(dec(100, 0), 2).quo(total, 2)
		t.row(title, money(value.number()), money(share.number()), "")
		from, to := t.edges[3], t.edges[4]-cellPad
		bar := dec(int64(to-from), 0).mul(share, 0).quo(dec(100, 0), 0)
		s.page.box(from, s.y+300, max(40, int(bar.n.Int64())), 640, s.tint)
	}
	byKind, byType := map[Kind]decimal{}, map[string]decimal{}
	for _, kind := range kinds() {
		byKind[kind] = dec(0, 2)
	}
	for i := range st.DematAccounts {
		for kind, h := range st.DematAccounts[i].Holdings.All() {
			byKind[kind] = byKind[kind].add(h.Value.decimal())
		}
	}
	for _, kind := range kinds() {
		line(kindTitle(kind), byKind[kind])
	}
	types := []string{"Equity", "Debt", "Hybrid", "Other"}
	for _, assets := range types {
		byType[assets] = dec(0, 2)
	}
	for _, f := range st.MutualFunds {
		for j := range f.Schemes {
			assets := f.Schemes[j].Type
			byType[assets] = byType[assets].add(f.Schemes[j].Value.decimal())
		}
	}
	for _, assets := range types {
		line("Mutual fund folios, "+strings.ToLower(assets), byType[assets])
	}
	if st.Summary.Accounts.NPS != nil {
		line("National Pension System", st.Summary.Accounts.NPS.TotalValue.decimal())
	}
	t.end()
}

// cards prints two framed lists of names and values side by side.
func (s *sheet) cards(title string, facts [][2]string, beside string, besides [][2]string) {
	s.y -= cardHeight
	s.card(left, title, facts)
	s.card(left+textWidth-cardWidth, beside, besides)
	s.y -= 800
}

// The size of a card in hundredths of a point.
const cardWidth, cardHeight = textWidth/2 - 500, 11800

// card prints a framed list, its lower edge at y.
func (s *sheet) card(x int, title string, facts [][2]string) {
	const titleBar, width, height = 1700, cardWidth, cardHeight
	s.page.frame(x, s.y, width, height, s.tint)
	s.page.box(x, s.y+height-titleBar, width, titleBar, s.tint)
	s.page.text(s.bold, 900, white(), x+600, s.y+height-titleBar+520, title)
	y := s.y + height - titleBar - 1400
	for _, fact := range facts {
		s.page.text(s.regular, 800, grey(), x+600, y, fact[0])
		for _, line := range s.bold.wrap(fact[1], 800, width-7200) {
			s.page.text(s.bold, 800, black(), x+6400, y, line)
			y -= 1150
		}
		y -= 350
	}
}

func addressOf(inv Investor) string {
	if inv.Address == "" {
		return unknownMark
	}
	return string(inv.Address + " - " + inv.Pincode)
}
