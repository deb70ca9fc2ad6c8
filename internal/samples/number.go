package samples

import (
	"bytes"
	"errors"
	"math/big"
	"strings"
)

// Number is an exact decimal in plain text such as "143.217" or "-5500". The
// zero value "" is an unknown number: null in JSON. It marshals as a bare JSON
// number with exactly its text, which may hold more digits than a double.
type Number string

// MarshalJSON gives the number's text as it is, or null for "".
func (n Number) MarshalJSON() ([]byte, error) {
	if n == "" {
		return []byte("null"), nil
	}
	return []byte(n), nil
}

// UnmarshalJSON keeps the text of a bare JSON number; null gives "". Any other
// JSON value is an error.
func (n *Number) UnmarshalJSON(raw []byte) error {
	if bytes.Equal(raw, []byte("null")) {
		*n = ""
		return nil
	}
	if len(raw) == 0 || (raw[0] != '-' && (raw[0] < '0' || raw[0] > '9')) {
		return errors.New("samples: not a bare JSON number")
	}
	*n = Number(raw)
	return nil
}

// Text is a string that the API may leave unknown. The zero value "" is null
// in JSON.
type Text string

// MarshalJSON gives a JSON string, or null for "".
func (t Text) MarshalJSON() ([]byte, error) {
	if t == "" {
		return []byte("null"), nil
	}
	return quoteJSON(string(t)), nil
}

// decimal is the number n / 10^scale. Values are never changed in place, so
// they can be copied freely.
type decimal struct {
	n     *big.Int
	scale int
}

// dec makes the number n / 10^scale.
func dec(n int64, scale int) decimal {
	return decimal{n: big.NewInt(n), scale: scale}
}

// decimal is the number's value; "" counts as 0.
func (n Number) decimal() decimal {
	whole, fraction, _ := strings.Cut(string(n), ".")
	value, ok := new(big.Int).SetString(whole+fraction, 10)
	if !ok {
		return dec(0, 0)
	}
	return decimal{n: value, scale: len(fraction)}
}

// rupees makes an amount from paise.
func rupees(paise int64) decimal { return dec(paise, 2) }

// pow10 is 10^n.
func pow10(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// rescaled is d with the given number of decimal places, rounded half away
// from zero where places are lost.
func (d decimal) rescaled(scale int) decimal {
	switch {
	case scale == d.scale:
		return d
	case scale > d.scale:
		return decimal{n: new(big.Int).Mul(d.n, pow10(scale-d.scale)), scale: scale}
	default:
		return decimal{n: quoRound(d.n, pow10(d.scale-scale)), scale: scale}
	}
}

// quoRound is a/b rounded half away from zero; b must not be zero.
func quoRound(a, b *big.Int) *big.Int {
	q, r := new(big.Int).QuoRem(a, b, new(big.Int))
	twice := new(big.Int).Lsh(r.Abs(r), 1)
	if twice.CmpAbs(b) >= 0 {
		q.Add(q, big.NewInt(int64(a.Sign()*b.Sign())))
	}
	return q
}

func (d decimal) add(e decimal) decimal {
	scale := max(d.scale, e.scale)
	return decimal{n: new(big.Int).Add(d.rescaled(scale).n, e.rescaled(scale).n), scale: scale}
}

func (d decimal) neg() decimal { return decimal{n: new(big.Int).Neg(d.n), scale: d.scale} }

func (d decimal) sub(e decimal) decimal { return d.add(e.neg()) }

// mul is d*e rounded to scale places.
func (d decimal) mul(e decimal, scale int) decimal {
	return decimal{n: new(big.Int).Mul(d.n, e.n), scale: d.scale + e.scale}.rescaled(scale)
}

// quo is d/e rounded to scale places; e must not be zero.
func (d decimal) quo(e decimal, scale int) decimal {
	// d.n/10^ds / (e.n/10^es) * 10^scale = d.n * 10^(es+scale) / (e.n * 10^ds)
	a := new(big.Int).Mul(d.n, pow10(e.scale+scale))
	b := new(big.Int).Mul(e.n, pow10(d.scale))
	return decimal{n: quoRound(a, b), scale: scale}
}

func (d decimal) sign() int { return d.n.Sign() }

// number is d without trailing zeros, as the API writes its numbers.
func (d decimal) number() Number {
	digits := new(big.Int).Abs(d.n).String()
	if len(digits) <= d.scale {
		digits = strings.Repeat("0", d.scale+1-len(digits)) + digits
	}
	whole, fraction := digits[:len(digits)-d.scale], digits[len(digits)-d.scale:]
	fraction = strings.TrimRight(fraction, "0")
	text := whole
	if fraction != "" {
		text += "." + fraction
	}
	if d.sign() < 0 {
		text = "-" + text
	}
	return Number(text)
}
