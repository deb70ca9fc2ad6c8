package samples

import (
	"fmt"
	"strings"
)

// security is an invented security: what it is, not who holds it.
type security struct {
	isin, name string
	price      decimal // at the start of the first month
	unitPlaces int     // decimal places units are held to
	assetType  string  // of funds: Equity, Debt, Hybrid or Other
	amfi       string  // of funds
	rtaCode    string  // of funds
	bond       BondTerms
}

// base36 gives n in width digits of 0-9A-Z, dropping higher ones.
func base36(n, width int) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	out := make([]byte, width)
	for i := width - 1; i >= 0; i-- {
		out[i] = digits[n%36]
		n /= 36
	}
	return string(out)
}

// withCheckDigit completes the first eleven characters of an ISIN.
func withCheckDigit(isin string) string {
	var digits []int
	for _, c := range isin {
		if c >= 'A' {
			n := int(c-'A') + 10
			digits = append(digits, n/10, n%10)
		} else {
			digits = append(digits, int(c-'0'))
		}
	}
	sum := 0
	for i := range digits {
		d := digits[len(digits)-1-i]
		if i%2 == 0 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return fmt.Sprintf("%s%d", isin, (10-sum%10)%10)
}

// serial places a security in its issuer's code: 900, 901 ... ZZZ.
func serial(n int) string { return base36(9*36*36+n%(27*36*36), 3) }

// securityOf is the n-th security of a kind. Prices depend on nothing but
// kind and n, so that all investors see the same market.
func securityOf(kind Kind, n int) security {
	k := uint64(len(kind))<<32 | uint64(n) //nolint:gosec // never negative
	r := newRandom(k)
	switch kind {
	case KindCorporateBonds:
		return bondOf(n, r)
	case KindGovernmentSecurities:
		return governmentOf(n, r)
	case KindAIFs:
		return security{
			isin:  withCheckDigit("INF0ZZ" + serial(n) + "90"),
			name:  fmt.Sprintf("Specimen Alternative Fund %s - Category %s", roman(n), pick(r, []string{"I", "II", "III"})),
			price: dec(int64(r.between(900_0000, 1500_0000)), 4), unitPlaces: 3,
		}
	case KindDematMutualFunds:
		if n%3 == 0 {
			return security{
				isin:  withCheckDigit("INF0ZZ" + serial(n) + "80"),
				name:  fmt.Sprintf("Sample Exchange Traded Fund - Invented Index %d", 50+10*(n/3)),
				price: dec(int64(r.between(40_00, 900_00)), 2), unitPlaces: 0,
			}
		}
		s := fundOf(n%fundHouses, n/fundHouses)
		s.unitPlaces = 3
		return s
	default:
		return security{
			isin:  withCheckDigit("INE0ZZ" + serial(n) + "01"),
			name:  shareName(n),
			price: dec(int64(r.between(20_00, 4800_00)), 2), unitPlaces: 0,
		}
	}
}

func shareName(n int) string {
	first := []string{
		"Fictive", "Imaginary", "Sample", "Madeup", "Nonesuch", "Placeholder", "Pretend", "Specimen",
		"Notional", "Mock", "Unreal",
	}
	second := []string{
		"Steel", "Cements", "Pharma", "Software", "Bank", "Motors", "Textiles", "Power", "Foods",
		"Paints", "Chemicals", "Telecom", "Shipping",
	}
	name := first[n%len(first)] + " " + second[n%len(second)] + " Ltd"
	if round := n / (len(first) * len(second)); round > 0 {
		name = fmt.Sprintf("%s (%s)", name, roman(round))
	}
	return name + " - Equity Shares"
}

func bondOf(n int, r *random) security {
	rate := fmt.Sprintf("%d.%02d%%", r.between(7, 9), 5*r.below(20))
	maturity := fmt.Sprintf("20%d-%02d-%02d", r.between(28, 36), r.between(1, 12), r.between(1, 28))
	return security{
		isin:  withCheckDigit("INE0ZZ" + serial(n) + "07"),
		name:  fmt.Sprintf("%s Placeholder Finance Ltd NCD Series %s", rate, roman(n)),
		price: dec(int64(r.between(960_00, 1060_00)), 2), unitPlaces: 0,
		bond: BondTerms{CouponRate: rate, MaturityDate: maturity, FaceValue: "1000"},
	}
}

func governmentOf(n int, r *random) security {
	year := r.between(29, 54)
	isin := withCheckDigit(fmt.Sprintf("IN00209%04d", n%10_000))
	if n%3 == 0 { // sovereign gold bonds live in this bucket
		return security{
			isin:  isin,
			name:  fmt.Sprintf("Sample Sovereign Gold Bond 20%d Series %s", year-20, roman(n)),
			price: dec(int64(r.between(5900_00, 7400_00)), 2), unitPlaces: 0,
			bond: BondTerms{CouponRate: "2.50%", MaturityDate: fmt.Sprintf("20%d-09-01", year)},
		}
	}
	rate := fmt.Sprintf("%d.%02d%%", r.between(6, 7), r.below(100))
	return security{
		isin:  isin,
		name:  fmt.Sprintf("%s Sample Government Stock 20%d", rate, year),
		price: dec(int64(r.between(97_0000, 105_0000)), 4), unitPlaces: 0,
		bond: BondTerms{CouponRate: rate, MaturityDate: fmt.Sprintf("20%d-07-15", year), FaceValue: "100"},
	}
}

// fundHouses is the number of invented AMCs.
const fundHouses = 10

func fundHouse(n int) string {
	return []string{
		"Sample", "Specimen", "Placeholder", "Fictive", "Notional", "Pretend", "Madeup", "Imaginary",
		"Nonesuch", "Mock",
	}[n%fundHouses]
}

// fundOf is the n-th scheme of a fund house.
func fundOf(house, n int) security {
	k := uint64(house)<<32 | uint64(n) //nolint:gosec // never negative
	r := newRandom(k, 77)
	styles := []string{
		"Flexi Cap Fund", "Corporate Bond Fund", "Large Cap Fund", "Balanced Advantage Fund",
		"Liquid Fund", "Small Cap Fund", "Gold Fund of Fund", "ELSS Tax Saver Fund",
		"Short Duration Fund", "Index 50 Fund", "Equity Savings Fund", "Banking and PSU Debt Fund",
	}
	types := []string{
		"Equity", "Debt", "Equity", "Hybrid", "Debt", "Equity", "Other", "Equity", "Debt", "Equity",
		"Hybrid", "Debt",
	}
	style := n % len(styles)
	plans := []string{
		"Direct Plan - Growth", "Regular Plan - Growth", "Direct Plan - IDCW", "Regular Plan - IDCW",
	}
	name := fmt.Sprintf("%s %s - %s", fundHouse(house), styles[style], plans[(n+house)%len(plans)])
	if round := n / len(styles); round > 0 {
		name = fmt.Sprintf("%s (Series %s)", name, roman(round))
	}
	return security{
		isin:      withCheckDigit("INF0ZZ9" + base36(house, 1) + base36(n, 2) + "2"),
		name:      name,
		price:     dec(int64(r.between(10_0000, 420_0000)), 4),
		assetType: types[style],
		amfi:      fmt.Sprintf("19%04d", house*400+n%400),
		rtaCode:   fmt.Sprintf("ZZ%c%s", 'A'+house%26, base36(n, 2)),
	}
}

// roman is n+1 in Roman numerals, as series are numbered.
func roman(n int) string {
	n++
	var b strings.Builder
	for _, step := range []struct {
		value int
		text  string
	}{
		{1000, "M"},
		{900, "CM"},
		{500, "D"},
		{400, "CD"},
		{100, "C"},
		{90, "XC"},
		{50, "L"},
		{40, "XL"},
		{10, "X"},
		{9, "IX"},
		{5, "V"},
		{4, "IV"},
		{1, "I"},
	} {
		for n >= step.value {
			b.WriteString(step.text)
			n -= step.value
		}
	}
	return b.String()
}
