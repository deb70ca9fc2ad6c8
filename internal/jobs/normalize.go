package jobs

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"casflow/internal/casapi"
	"casflow/internal/storage"
)

// normalize turns an answer into the rows of its statement. It is pure: the same
// answer gives the same rows. Values that cannot be read as what their column
// holds go to extra, nothing is guessed, and unknown stays unknown.
//
// Its errors are errBadAnswer (no statement, or one without a period) and
// errMissingPAN.
func normalize(body []byte, kind string, receivedAt time.Time) (*storage.Statement, error) {
	answer, err := casapi.DecodeStatement(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBadAnswer, err)
	}
	n := &normalizer{out: &storage.Statement{ReceivedAt: receivedAt}}
	n.header(answer)
	for i := range answer.DematAccounts.Items {
		n.dematAccount(i, &answer.DematAccounts.Items[i])
	}
	for i := range answer.MutualFunds.Items {
		n.folio(i, &answer.MutualFunds.Items[i])
	}
	n.insurance(&answer.Insurance)
	for i := range answer.NPS.Items {
		n.npsAccount(i, &answer.NPS.Items[i])
	}
	if n.out.Key, err = n.key(answer, kind); err != nil {
		return nil, err
	}
	n.out.Extra = n.headerExtra(answer)
	return n.out, nil
}

// normalizer collects the rows, and the PANs met on the way.
type normalizer struct {
	out        *storage.Statement
	holderPANs []string // of folios and linked holders, valid ones
	extra      extra    // of the header row
}

func (n *normalizer) header(answer *casapi.Statement) {
	e := &n.extra
	o, investor := n.out, &answer.Investor
	o.Investor = storage.Investor{
		Name: e.text("investor.name", investor.Name), Email: e.text("investor.email", investor.Email),
		Mobile: e.text("investor.mobile", investor.Mobile), Address: e.text("investor.address", investor.Address),
		Pincode: e.text("investor.pincode", investor.Pincode), CASID: e.text("investor.cas_id", investor.CASID),
	}
	o.GeneratedAt = e.time("meta.generated_at", answer.Meta.GeneratedAt)
	o.TotalValue = e.decimal("summary.total_value", answer.Summary.TotalValue)
	class := func(name string, c *casapi.SummaryAccount) storage.SummaryClass {
		e.members("summary.accounts."+name+".", c.Extra)
		return storage.SummaryClass{
			Count: e.integer("summary.accounts."+name+".count", c.Count),
			Value: e.decimal("summary.accounts."+name+".total_value", c.TotalValue),
		}
	}
	accounts := &answer.Summary.Accounts
	o.Summary = storage.Summary{
		Demat: class("demat", &accounts.Demat), MutualFunds: class("mutual_funds", &accounts.MutualFunds),
		Insurance: class("insurance", &accounts.Insurance), NPS: class("nps", &accounts.NPS),
	}
}

// headerExtra puts what the header row has no column for under its path.
func (n *normalizer) headerExtra(answer *casapi.Statement) string {
	e := &n.extra
	e.members("", answer.Extra)
	e.members("meta.", answer.Meta.Extra)
	e.members("meta.statement_period.", answer.Meta.StatementPeriod.Extra)
	e.members("investor.", answer.Investor.Extra)
	e.members("summary.", answer.Summary.Extra)
	e.members("summary.accounts.", answer.Summary.Accounts.Extra)
	e.members("insurance.", answer.Insurance.Extra)
	e.unreadable("demat_accounts", answer.DematAccounts.Unreadable)
	e.unreadable("mutual_funds", answer.MutualFunds.Unreadable)
	e.unreadable("nps", answer.NPS.Unreadable)
	e.unreadable("insurance.life_insurance_policies", answer.Insurance.LifeInsurancePolicies.Unreadable)
	return e.json()
}

// key says whose statement it is and for which period.
func (n *normalizer) key(answer *casapi.Statement, kind string) (storage.StatementKey, error) {
	key := storage.StatementKey{CASType: casType(answer.Meta.CASType, kind)}
	if _, ok := answer.Meta.CASType.Text(); !ok {
		n.extra.unreadable("meta.cas_type", answer.Meta.CASType)
	}
	period := &answer.Meta.StatementPeriod
	key.PeriodFrom = n.extra.date("meta.statement_period.from", period.From)
	key.PeriodTo = n.extra.date("meta.statement_period.to", period.To)
	switch {
	case key.PeriodTo == "":
		return key, fmt.Errorf("%w: it names no end of its statement period", errBadAnswer)
	case key.PeriodFrom == "":
		// A statement as of a day: the period is that day.
		key.PeriodFrom = key.PeriodTo
	}
	var err error
	key.PAN, err = n.pan(answer.Investor.PAN)
	return key, err
}

// casType is the type of the CAS, case folded, as it came; where the answer does
// not say, the parser that read it does, and a smart one leaves it unknown.
func casType(came casapi.Value, kind string) string {
	if text, ok := came.Text(); ok && strings.TrimSpace(text) != "" {
		return strings.ToUpper(strings.TrimSpace(text))
	}
	switch kind {
	case storage.KindCDSL, storage.KindNSDL, storage.KindCAMSKFintech:
		return strings.ToUpper(kind)
	}
	return "UNKNOWN"
}

var panPattern = regexp.MustCompile(`^[A-Z]{5}[0-9]{4}[A-Z]$`)

// readPAN gives a PAN in its one form, or "" for what is none.
func readPAN(v casapi.Value) string {
	text, ok := v.Text()
	pan := strings.ToUpper(strings.TrimSpace(text))
	if !ok || !panPattern.MatchString(pan) {
		return ""
	}
	return pan
}

// pan is the investor's, else the one that folios and holders agree on.
func (n *normalizer) pan(investor casapi.Value) (string, error) {
	if pan := readPAN(investor); pan != "" {
		return pan, nil
	}
	n.extra.unreadable("investor.pan", investor)
	agreed := ""
	for _, pan := range n.holderPANs {
		if agreed != "" && pan != agreed {
			return "", errMissingPAN
		}
		agreed = pan
	}
	if agreed == "" {
		return "", errMissingPAN
	}
	return agreed, nil
}

// holders adds the linked holders of an account.
func (n *normalizer) holders(kind string, account int, holders *casapi.List[casapi.LinkedHolder], parent *extra) {
	parent.unreadable("linked_holders", holders.Unreadable)
	for i := range holders.Items {
		h := &holders.Items[i]
		e := extra{}
		e.members("", h.Extra)
		row := storage.LinkedHolder{HolderKind: kind, Account: account, Ordinal: i, Name: e.text("name", h.Name), PAN: e.text("pan", h.PAN)}
		if pan := readPAN(h.PAN); pan != "" {
			row.PAN = pan
			n.holderPANs = append(n.holderPANs, pan)
		}
		row.Extra = e.json()
		n.out.LinkedHolders = append(n.out.LinkedHolders, row)
	}
}
