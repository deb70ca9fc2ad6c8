package casapi

import (
	"strconv"
	"strings"
)

const (
	// maxDecimalBytes bounds a number's text. Amounts take a dozen digits; what
	// is longer than this is no amount.
	maxDecimalBytes = 1000
	// maxExponent bounds a number's exponent: a little beyond what a 64-bit float
	// holds, with which the API computes, and well inside Postgres' numeric.
	maxExponent = 400
)

// Decimal returns a number as decimal text that Postgres takes as numeric, with
// every digit it came with: "0.10" stays "0.10", and an exponent stays one. It
// reads JSON numbers, and strings with what clients report or may be expected:
// a sign, a leading ₹, INR or Rs., and commas that group by thousands or by
// lakhs and crores. Anything else ("12.5%", "(12.50)", "1,5", "N/A", a number
// beyond a float's reach) is unreadable: a wrong amount is worse than none.
func (v Value) Decimal() (string, bool) {
	if isPlain(string(v)) { // nearly always, and without a copy
		return string(v), true
	}
	text, ok := v.content()
	if !ok || text == "" {
		return "", ok
	}
	return decimalText(text)
}

// decimalText reads the content of a number.
func decimalText(text string) (string, bool) {
	if len(text) > maxDecimalBytes {
		return "", false
	}
	text, negative := withoutSign(strings.TrimSpace(text))
	if amount, found := withoutCurrency(text); found {
		text = amount
		if !negative {
			text, negative = withoutSign(text)
		}
	}
	mantissa, exponent, hasExponent := cutExponent(text)
	whole, fraction, hasFraction := strings.Cut(mantissa, ".")
	whole, ok := ungroup(whole)
	switch {
	case !ok, hasFraction && !digits(fraction), hasExponent && !exponentInReach(exponent):
		return "", false
	case whole == "" && !hasFraction:
		return "", false
	case whole == "":
		whole = "0"
	}
	var b strings.Builder
	if negative {
		b.WriteByte('-')
	}
	b.WriteString(whole)
	if hasFraction {
		b.WriteByte('.')
		b.WriteString(fraction)
	}
	if hasExponent {
		b.WriteByte('e')
		b.WriteString(exponent)
	}
	return b.String(), true
}

// isPlain reports whether a text is a number of digits with, at most, a minus
// before them and a point among them, as Postgres takes it.
func isPlain(text string) bool {
	if len(text) > maxDecimalBytes {
		return false
	}
	whole, fraction, hasFraction := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	return digits(whole) && (!hasFraction || digits(fraction))
}

func withoutSign(text string) (string, bool) {
	if rest, negative := strings.CutPrefix(text, "-"); negative {
		return strings.TrimSpace(rest), true
	}
	return strings.TrimSpace(strings.TrimPrefix(text, "+")), false
}

func withoutCurrency(text string) (string, bool) {
	for _, currency := range []string{"₹", "inr", "rs.", "rs"} {
		if len(text) > len(currency) && strings.EqualFold(text[:len(currency)], currency) {
			return strings.TrimSpace(text[len(currency):]), true
		}
	}
	return text, false
}

func cutExponent(text string) (mantissa, exponent string, found bool) {
	for at := range len(text) { // strings.IndexAny takes longer to begin than most numbers are long
		if text[at] == 'e' || text[at] == 'E' {
			return text[:at], text[at+1:], true
		}
	}
	return text, "", false
}

func exponentInReach(exponent string) bool {
	value, err := strconv.Atoi(exponent)
	return err == nil && value >= -maxExponent && value <= maxExponent
}

// ungroup removes the commas from the whole part of a number: groups of two or
// three digits, the last of three. A comma anywhere else may be meant as a
// decimal point, and is not read.
func ungroup(whole string) (string, bool) {
	if !strings.Contains(whole, ",") {
		return whole, whole == "" || digits(whole)
	}
	groups := strings.Split(whole, ",")
	for i, group := range groups {
		last := i == len(groups)-1
		if !digits(group) || len(group) > 3 || i > 0 && len(group) < 2 || last && len(group) != 3 {
			return "", false
		}
	}
	return strings.Join(groups, ""), true
}

// digits reports whether text is one or more ASCII digits.
func digits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return text != ""
}
