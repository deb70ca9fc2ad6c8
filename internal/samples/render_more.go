package samples

// transactions prints what moved in the period, security by security.
func (s *sheet) transactions(st *Statement) {
	s.heading("Transactions in the period")
	quiet := true
	for i := range st.DematAccounts {
		a := &st.DematAccounts[i]
		for _, h := range a.Holdings.All() {
			if len(h.Transactions) > 0 {
				quiet = false
				s.subheading(h.Name, h.ISIN, "Account "+accountNumber(a)+"   Opening units "+
					units(h.AdditionalInfo.OpenUnits)+"   Closing units "+units(h.Units))
				s.dematRows(h.Transactions)
			}
		}
	}
	for i := range st.MutualFunds {
		f := &st.MutualFunds[i]
		for j := range f.Schemes {
			sc := &f.Schemes[j]
			if len(sc.Transactions) > 0 {
				quiet = false
				s.subheading(sc.Name, sc.ISIN, "Folio "+f.FolioNumber+"   Advisor "+
					told(sc.AdditionalInfo.Advisor)+"   Opening units "+units(sc.AdditionalInfo.OpenUnits)+
					"   Closing units "+units(sc.Units))
				s.fundRows(sc.Transactions)
			}
		}
	}
	if quiet {
		s.paragraph("There were no transactions in the period.")
	}
}

func (s *sheet) dematRows(rows []Transaction) {
	t := s.newTable(column{"Date", 14, false}, column{"Transaction", 44, false},
		column{"Order no", 20, false}, column{"Debit", 14, true}, column{"Credit", 14, true},
		column{"Stamp duty", 14, true}, column{"Balance", 16, true})
	for _, r := range rows {
		info := r.AdditionalInfo
		t.row(day(r.Date), r.Description, told(info.OrderNo), blank(info.Debit, 3), blank(info.Credit, 3),
			blank(info.StampDuty, 2), blank(r.Balance, 3))
	}
	t.end()
}

func (s *sheet) fundRows(rows []Transaction) {
	t := s.newTable(column{"Date", 14, false}, column{"Transaction", 48, false},
		column{"Amount (INR)", 18, true}, column{"Units", 17, true}, column{"NAV", 14, true},
		column{"Balance units", 20, true})
	for _, r := range rows {
		t.row(day(r.Date), r.Description, blank(r.Amount, 2), blank(r.Units, 3), blank(r.NAV, 4),
			blank(r.Balance, 3))
	}
	t.end()
}

// blank is a number, or nothing where the statement tells none.
func blank(n Number, places int) string {
	if n == "" {
		return ""
	}
	return grouped(n, places)
}

// policies prints the life insurance policies.
func (s *sheet) policies(policies []Policy) {
	if len(policies) == 0 {
		return
	}
	s.heading("Life insurance")
	t := s.newTable(column{"Policy", 16, false}, column{"Name", 34, false}, column{"Life assured", 24, false},
		column{"Status", 12, false}, column{"Premium (INR)", 18, true}, column{"Frequency", 15, false},
		column{"Sum assured", 20, true})
	for _, p := range policies {
		t.row(p.PolicyNumber, p.PolicyName+", "+p.Provider, p.LifeAssured, p.Status, money(p.PremiumAmount),
			told(p.PremiumFrequency), money(p.SumAssured))
	}
	t.end()
}

// pensions prints the NPS accounts.
func (s *sheet) pensions(accounts []NPSAccount) {
	if len(accounts) == 0 {
		return
	}
	s.heading("National Pension System")
	for _, n := range accounts {
		s.subheading("PRAN "+n.PRAN, "INR "+money(n.Value), n.CRA, "Subscriber: "+holderLine(n.LinkedHolders))
		t := s.newTable(column{"Fund", 42, false}, column{"Tier", 8, true}, column{"Units", 18, true},
			column{"NAV", 14, true}, column{"Cost (INR)", 18, true}, column{"Value (INR)", 18, true})
		for _, f := range n.Funds {
			t.row(f.Name, told(f.AdditionalInfo.Tier), units(f.Units), grouped(f.NAV, 4), money(f.Cost),
				money(f.Value))
		}
		t.total("Total", "", "", "", "", money(n.Value))
		t.end()
	}
}

// notes says what the file is, and shows the mosaic.
func (s *sheet) notes() {
	s.heading("Notes")
	s.paragraph("This statement was made by a program for testing. No depository, registrar, fund house," +
		" company or person in it exists, and no number in it means anything.")
	s.paragraph("Units are shown with the decimal places they are held to. A dash stands for what the" +
		" statement does not tell. Redemptions, switches out and reversals are negative.")
	s.paragraph("The file " + AttachmentName + " is attached to this document. It holds the statement in" +
		" the form in which the CAS Parser API would answer for it.")
	s.paragraph("The mosaic below is noise. It only gives the file the size of a real statement.")
	s.y -= 500
	s.page.mosaic(left, bottom+1000, textWidth, s.y-bottom-1000)
	s.page.frame(left, bottom+1000, textWidth, s.y-bottom-1000, s.tint)
}
