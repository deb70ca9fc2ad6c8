package jobs

import (
	"regexp"
	"strings"

	"casflow/internal/casapi"
	"casflow/internal/storage"
)

func (n *normalizer) dematAccount(at int, a *casapi.DematAccount) {
	r, info := n.row(tableDematAccounts), &a.AdditionalInfo
	r.members("", a.Extra)
	r.members("additional_info", info.Extra)
	account := storage.DematAccount{
		DematType: r.text("demat_type", a.DematType), DPID: r.text("dp_id", a.DPID), DPName: r.text("dp_name", a.DPName),
		ClientID: r.text("client_id", a.ClientID), BOID: r.text("bo_id", a.BOID), Value: r.decimal("value", a.Value),
		BOStatus: r.text("additional_info.bo_status", info.BOStatus), BOSubStatus: r.text("additional_info.bo_sub_status", info.BOSubStatus),
		BOType: r.text("additional_info.bo_type", info.BOType), BSDA: r.text("additional_info.bsda", info.BSDA),
		Email: r.text("additional_info.email", info.Email), Status: r.text("additional_info.status", info.Status),
		Nominee: r.text("additional_info.nominee", info.Nominee),
	}
	account.LinkedPANs = r.texts("additional_info.linked_pans", info.LinkedPANs, func(v casapi.Value) (string, bool) {
		if pan := readPAN(v); pan != "" {
			return pan, true
		}
		return v.Text() // a masked one, say
	})
	n.linkedHolders(storage.KindOfDemat, at, &a.LinkedHolders, r)
	if raw := a.Holdings.Extra[casapi.Misplaced]; strings.HasPrefix(string(raw), "[") {
		n.flatHoldings(at, raw, r)
	} else {
		n.holdings(at, &a.Holdings, r)
	}
	account.Rest = r.rest()
	n.out.DematAccounts = append(n.out.DematAccounts, account)
}

// holdings reads an account's holdings by kind, as the API documents them.
func (n *normalizer) holdings(account int, h *casapi.Holdings, parent *row) {
	parent.members("holdings", h.Extra)
	at := 0 // counted over all classes: it is the place within the account
	for _, class := range []struct {
		name, path string
		holdings   *casapi.List[casapi.Holding]
	}{
		{storage.AssetEquity, "holdings.equities", &h.Equities},
		{storage.AssetCorporateBond, "holdings.corporate_bonds", &h.CorporateBonds},
		{storage.AssetGovernmentSecurity, "holdings.government_securities", &h.GovernmentSecurities},
		{storage.AssetAIF, "holdings.aifs", &h.AIFs},
		{storage.AssetDematMutualFund, "holdings.demat_mutual_funds", &h.DematMutualFunds},
	} {
		list(parent, class.path, class.holdings)
		for i := range class.holdings.Items {
			n.holding(account, at, class.name, &class.holdings.Items[i])
			at++
		}
	}
}

// flatHoldings reads one list of holdings that each name their instrument type.
// One that does not, or is of a type nobody knows, stays in extra of the account.
func (n *normalizer) flatHoldings(account int, raw casapi.Value, parent *row) {
	holdings, err := casapi.ReadList[casapi.Holding](raw)
	if err != nil {
		n.err = err
		return
	}
	elements, err := casapi.ReadList[casapi.Value](raw)
	if err != nil {
		n.err = err
		return
	}
	parent.forms().Length("holdings", len(elements.Items)+len(elements.Nulls))
	for i, at := range places(elements.Nulls, len(elements.Items)) {
		h := &holdings.Items[i]
		if class := assetClass(h.Extra); class != "" {
			n.holding(account, at, class, h)
			continue
		}
		parent.cannotRead(index("holdings", at), elements.Items[i])
	}
}

// assetClasses tell asset classes from what instrument types are called, the
// most telling words first.
var assetClasses = []struct { //nolint:gochecknoglobals // a constant
	class string
	words *regexp.Regexp
}{
	{storage.AssetAIF, regexp.MustCompile(`\baifs?\b|alternat\w+ investment`)},
	{storage.AssetGovernmentSecurity, regexp.MustCompile(`\bgovernment|\bgovt\b|\bg ?secs?\b|\bsgbs?\b|sovereign|treasury|\bt bills?\b`)},
	{storage.AssetCorporateBond, regexp.MustCompile(`\bbonds?\b|debenture|\bncds?\b`)},
	{storage.AssetEquity, regexp.MustCompile(`\bequit|\bshares?\b|\bstocks?\b|\betfs?\b`)},
	{storage.AssetDematMutualFund, regexp.MustCompile(`\bmutual|\bmfs?\b|\bfunds?\b`)},
}

// assetClass is the class of a holding by the type that it names among members
// nobody else knows, "" if it names none that is known.
func assetClass(members casapi.Extra) string {
	for _, name := range []string{"instrument_type", "instrument", "asset_class", "asset_type", "security_type", "holding_type", "type", "category"} {
		text, _ := members[name].Text()
		text = strings.NewReplacer("_", " ", "-", " ").Replace(strings.ToLower(text))
		for _, c := range assetClasses {
			if c.words.MatchString(text) {
				return c.class
			}
		}
	}
	return ""
}

func (n *normalizer) holding(account, at int, class string, h *casapi.Holding) {
	r, info := n.row(tableDematHoldings), &h.AdditionalInfo
	r.members("", h.Extra)
	r.members("additional_info", info.Extra)
	// Bond fields stand flat or in additional_info, as releases of the API have it.
	holding := storage.DematHolding{
		Account: account, Holding: at, AssetClass: class,
		ISIN: r.text("isin", h.ISIN), Name: r.text("name", h.Name), Units: r.decimal("units", h.Units), Value: r.decimal("value", h.Value),
		OpenUnits:    r.decimal("additional_info.open_units", info.OpenUnits),
		CloseUnits:   r.decimal("additional_info.close_units", info.CloseUnits),
		CouponRate:   r.either(r.text, "coupon_rate", h.CouponRate, info.CouponRate),
		MaturityDate: r.either(r.date, "maturity_date", h.MaturityDate, info.MaturityDate),
		FaceValue:    r.either(r.decimal, "face_value", h.FaceValue, info.FaceValue),
		MarketValue:  r.either(r.decimal, "market_value", h.MarketValue, info.MarketValue),
	}
	n.transactions(storage.KindOfDemat, account, at, &h.Transactions, r)
	holding.Rest = r.rest()
	n.out.DematHoldings = append(n.out.DematHoldings, holding)
}
