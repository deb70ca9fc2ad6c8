package samples

// contractNote lays a contract note out: who traded what with whom, each trade,
// what it comes to, and a page of notes.
func (s *sheet) contractNote(n *ContractNote) {
	s.turn()
	s.cards("Client", [][2]string{
		{"Name", n.Client.Name},
		{"PAN", n.Client.PAN},
		{"UCC", n.Client.UCC},
		{"Address", told(n.Client.Address)},
		{"Supplied in", n.Client.PlaceOfSupply + ", state " + n.Client.GSTStateCode},
	}, "Contract note", [][2]string{
		{"Number", n.Info.Number},
		{"Trade date", day(n.Info.TradeDate)},
		{"Settlement", n.Info.SettlementNumber + " on " + day(n.Info.SettlementDate)},
		{"Broker", n.Broker.Name},
		{"SEBI", n.Broker.SEBIRegistration},
	})
	s.shares(n.Equities)
	s.derivatives(n.Derivatives)
	s.turn()
	s.trades(n.Trades)
	s.charges(&n.Charges)
	s.turn()
	s.notes()
}

func (s *sheet) shares(rows []EquityTransaction) {
	s.heading("Equity")
	t := s.newTable(column{"ISIN", 16, false}, column{"Security", 30, false}, column{"Bought", 11, true},
		column{"at (INR)", 14, true}, column{"Sold", 11, true}, column{"at (INR)", 14, true},
		column{"Net obligation (INR)", 22, true})
	for _, r := range rows {
		t.row(r.ISIN, r.SecurityName, grouped(r.BuyQuantity, 0), grouped(r.BuyWAP, 4), grouped(r.SellQuantity, 0),
			grouped(r.SellWAP, 4), money(r.NetObligation))
	}
	t.end()
}

func (s *sheet) derivatives(rows []DerivativesTransaction) {
	if len(rows) == 0 {
		return
	}
	s.heading("Derivatives")
	t := s.newTable(column{"Contract", 40, false}, column{"B/S/BF/CF", 12, false}, column{"Quantity", 14, true},
		column{"WAP (INR)", 16, true}, column{"Closing (INR)", 16, true}, column{"Net total (INR)", 20, true})
	for _, r := range rows {
		t.row(r.ContractDescription, r.Side, grouped(r.Quantity, 0), money(r.WAPPerUnit), money(r.ClosingRatePerUnit),
			money(r.NetTotal))
	}
	t.end()
}

func (s *sheet) trades(rows []DetailedTrade) {
	s.heading("Trades")
	t := s.newTable(column{"Order", 24, false}, column{"Trade", 24, false}, column{"Time", 12, false},
		column{"Security", 30, false}, column{"B/S", 6, false}, column{"Quantity", 12, true}, column{"Rate (INR)", 15, true},
		column{"Net total (INR)", 20, true})
	for _, r := range rows {
		t.row(r.OrderNumber, r.TradeNumber, r.TradeTime, r.SecurityDescription+" "+r.Exchange, r.Side, grouped(r.Quantity, 0),
			grouped(r.NetRatePerUnit, 4), money(r.NetTotal))
	}
	t.end()
}

func (s *sheet) charges(c *Charges) {
	s.heading("Charges")
	t := s.newTable(column{"", 70, false}, column{"INR", 30, true})
	t.row("Pay in, pay out obligation", money(c.PayInPayOutObligation))
	t.row("Taxable value of supply (brokerage)", money(c.TaxableValueBrokerage))
	t.row("Exchange transaction charges", money(c.ExchangeTransactionCharges))
	t.row("CGST", money(c.CGST))
	t.row("SGST", money(c.SGST))
	t.row("IGST", money(c.IGST))
	t.row("Securities transaction tax", money(c.SecuritiesTransactionTax))
	t.row("SEBI turnover fees", money(c.SEBITurnoverFees))
	t.row("Stamp duty", money(c.StampDuty))
	t.total("Net amount receivable or payable", money(c.NetAmount))
	t.end()
}
