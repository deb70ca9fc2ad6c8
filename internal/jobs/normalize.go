package jobs

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"casflow/internal/casapi"
	"casflow/internal/storage"
)

// source is an answer to be read, and what is known of it from elsewhere.
type source struct {
	body       []byte
	kind       string // of the document
	receivedAt time.Time
	// pan is whose it is if the answer does not say so of its investor:
	// somebody knows better. Empty: the folios and holders must tell.
	pan string
}

// reading is what an answer was read as.
type reading struct {
	content storage.Content
	// unreadable counts, by table, the values that could not be read as what their
	// column holds. They are in extra of their rows.
	unreadable map[string]int
}

// readStatement is normalize for statements.
func readStatement(from source) (reading, error) {
	answer, err := casapi.DecodeStatement(from.body)
	if err != nil {
		return reading{}, fmt.Errorf("%w: %w", errBadAnswer, err)
	}
	n := &normalizer{out: &storage.Statement{ReceivedAt: from.receivedAt}, unreadable: make(map[string]int)}
	n.makeRoom(answer)
	n.header = n.row(tableStatements)
	n.head(answer)
	for i := range answer.DematAccounts.Items {
		n.dematAccount(i, &answer.DematAccounts.Items[i])
	}
	n.mutualFunds(&answer.MutualFunds)
	n.insurance(&answer.Insurance)
	for i := range answer.NPS.Items {
		n.npsAccount(i, &answer.NPS.Items[i])
	}
	if n.err != nil {
		return reading{}, fmt.Errorf("%w: %w", errBadAnswer, n.err)
	}
	if n.out.Key, err = n.key(answer, from); err != nil {
		return reading{}, err
	}
	n.header.structure(answer.Wrapper, answer.Repeated, answer.Extra, casapi.StatementMembers())
	n.out.Rest = n.header.rest()
	n.out.Checks = check(n.out)
	return reading{content: n.out, unreadable: n.unreadable}, nil
}

// normalizer collects the rows, and the PANs met on the way.
type normalizer struct {
	out        *storage.Statement
	header     *row
	unreadable map[string]int
	holders    [][]string // the valid PANs that each folio and each account names
	err        error      // the first reason not to go on
}

// makeRoom makes room for the rows that there are most of: lists that grew would be
// copied over and over, and be the larger half of what this allocates.
func (n *normalizer) makeRoom(answer *casapi.Statement) {
	holdings, schemes, transactions := 0, 0, 0
	for i := range answer.DematAccounts.Items {
		h := &answer.DematAccounts.Items[i].Holdings
		for _, list := range [...][]casapi.Holding{
			h.Equities.Items, h.CorporateBonds.Items, h.GovernmentSecurities.Items, h.AIFs.Items, h.DematMutualFunds.Items,
		} {
			holdings += len(list)
			for j := range list {
				transactions += len(list[j].Transactions.Items)
			}
		}
	}
	for i := range answer.MutualFunds.Items {
		list := answer.MutualFunds.Items[i].Schemes.Items
		schemes += len(list)
		for j := range list {
			transactions += len(list[j].Transactions.Items)
		}
	}
	n.out.DematAccounts = slices.Grow(n.out.DematAccounts, len(answer.DematAccounts.Items))
	n.out.Folios = slices.Grow(n.out.Folios, len(answer.MutualFunds.Items))
	n.out.DematHoldings = slices.Grow(n.out.DematHoldings, holdings)
	n.out.Schemes = slices.Grow(n.out.Schemes, schemes)
	n.out.Transactions = slices.Grow(n.out.Transactions, transactions)
}

// head reads the header row, but for its key.
func (n *normalizer) head(answer *casapi.Statement) {
	r, o, investor := n.header, n.out, &answer.Investor
	o.Investor = storage.Investor{
		Name: r.text("investor.name", investor.Name), Email: r.text("investor.email", investor.Email),
		Mobile: r.text("investor.mobile", investor.Mobile), Address: r.text("investor.address", investor.Address),
		Pincode: r.text("investor.pincode", investor.Pincode), CASID: r.text("investor.cas_id", investor.CASID),
	}
	o.GeneratedAt, o.GeneratedAtText = r.instant("meta.generated_at", answer.Meta.GeneratedAt)
	o.TotalValue = r.decimal("summary.total_value", answer.Summary.TotalValue)
	class := func(name string, c *casapi.SummaryAccount) storage.SummaryClass {
		r.members("summary.accounts."+name, c.Extra)
		return storage.SummaryClass{
			Count: r.integer("summary.accounts."+name+".count", c.Count),
			Value: r.decimal("summary.accounts."+name+".total_value", c.TotalValue),
		}
	}
	accounts := &answer.Summary.Accounts
	o.Summary = storage.Summary{
		Demat: class("demat", &accounts.Demat), MutualFunds: class("mutual_funds", &accounts.MutualFunds),
		Insurance: class("insurance", &accounts.Insurance), NPS: class("nps", &accounts.NPS),
	}
	r.members("", answer.Extra)
	r.members("meta", answer.Meta.Extra)
	r.members("meta.statement_period", answer.Meta.StatementPeriod.Extra)
	r.members("investor", investor.Extra)
	r.members("summary", answer.Summary.Extra)
	r.members("summary.accounts", accounts.Extra)
	r.members("insurance", answer.Insurance.Extra)
	list(r, "demat_accounts", &answer.DematAccounts)
	list(r, "mutual_funds", &answer.MutualFunds)
	list(r, "nps", &answer.NPS)
	list(r, "insurance.life_insurance_policies", &answer.Insurance.LifeInsurancePolicies)
}

// key says whose statement it is and for which period.
func (n *normalizer) key(answer *casapi.Statement, from source) (storage.StatementKey, error) {
	r, period := n.header, &answer.Meta.StatementPeriod
	key := storage.StatementKey{
		CASType:    n.casType(answer.Meta.CASType, from.kind),
		PeriodFrom: r.keyDate("meta.statement_period.from", period.From),
		PeriodTo:   r.keyDate("meta.statement_period.to", period.To),
	}
	switch {
	case key.PeriodTo == "":
		return key, fmt.Errorf("%w: meta.statement_period.to: expected date, got %s", errBadAnswer, period.To.Kind())
	case key.PeriodFrom == "":
		// A statement as of a day: the period is that day.
		key.PeriodFrom = key.PeriodTo
	}
	if key.PAN = n.pan(answer.Investor.PAN, from.pan); key.PAN == "" {
		return key, errMissingPAN
	}
	r.keyed("meta.cas_type", answer.Meta.CASType, key.CASType)
	r.keyed("meta.statement_period.from", period.From, key.PeriodFrom)
	r.keyed("meta.statement_period.to", period.To, key.PeriodTo)
	r.keyed("investor.pan", answer.Investor.PAN, key.PAN)
	return key, nil
}

// maxCASType is how long the type of a CAS may be, in bytes: it is in the keys of
// all tables, and an index does not take just anything.
const maxCASType = 64

// casType is the type of the CAS, case folded, as it came; where the answer does
// not say, the parser that read it does, and a smart one leaves it unknown.
func (n *normalizer) casType(came casapi.Value, kind string) string {
	text, ok := came.Text()
	text = strings.ToUpper(strings.TrimSpace(text))
	switch {
	case !ok || len(text) > maxCASType:
		n.header.cannotRead("meta.cas_type", came)
	case text != "":
		return text
	}
	switch kind {
	case storage.KindCDSL, storage.KindNSDL, storage.KindCAMSKFintech:
		return strings.ToUpper(kind)
	}
	return "UNKNOWN"
}
