package jobs

import (
	"math"
	"math/big"
	"strings"
)

// number is an exact decimal for sums: a fraction of any size, or, as nearly all
// are, a small integer and how many of its digits stand behind the point. The zero
// value is unknown, and so is what is computed from it.
type number struct {
	known  bool
	digits int64
	places int
	big    *big.Rat // in place of digits and places, if not nil
}

// maxPlaces is the most digits that fit an int64, whatever they are.
const maxPlaces = 18

// amount is the number that a text of normalize's says, unknown for "".
func amount(text string) number {
	if text == "" {
		return number{} // most are, and big.Rat would take its time to find that out
	}
	if n, ok := smallNumber(text); ok {
		return n
	}
	if r, ok := new(big.Rat).SetString(text); ok {
		return number{known: true, big: r}
	}
	return number{}
}

// smallNumber reads digits with a minus before and a point among them.
func smallNumber(text string) (number, bool) {
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	if len(whole)+len(fraction) > maxPlaces || len(whole) == 0 {
		return number{}, false
	}
	n := number{known: true, places: len(fraction)}
	for _, part := range [...]string{whole, fraction} {
		for i := range len(part) {
			if part[i] < '0' || part[i] > '9' {
				return number{}, false
			}
			n.digits = n.digits*10 + int64(part[i]-'0')
		}
	}
	if text[0] == '-' {
		n.digits = -n.digits
	}
	return n, true
}

func count(n int) number { return number{known: true, digits: int64(n)} }

// sum adds texts of numbers up. It is unknown if one of them is.
func sum(texts ...string) number {
	total := count(0)
	for _, text := range texts {
		total = total.plus(amount(text))
	}
	return total
}

func (a number) plus(b number) number {
	if !a.known || !b.known {
		return number{}
	}
	if a.big == nil && b.big == nil {
		places := max(a.places, b.places)
		x, fits := scaled(a.digits, places-a.places)
		y, fitsToo := scaled(b.digits, places-b.places)
		if fits && fitsToo {
			return number{known: true, digits: x + y, places: places}
		}
	}
	return number{known: true, big: new(big.Rat).Add(a.rat(), b.rat())}
}

// scaled appends zeros to digits. It fails where a sum of two such numbers might
// not fit.
func scaled(digits int64, zeros int) (int64, bool) {
	for range zeros {
		if digits > math.MaxInt64/20 || digits < -math.MaxInt64/20 {
			return 0, false
		}
		digits *= 10
	}
	return digits, digits <= math.MaxInt64/2 && digits >= -math.MaxInt64/2
}

func (a number) minus(b number) number { return a.plus(b.negative()) }

func (a number) negative() number {
	if a.big != nil {
		a.big = new(big.Rat).Neg(a.big)
	}
	a.digits = -a.digits
	return a
}

// sign is -1, 0 or 1; 0 for what is unknown.
func (a number) sign() int {
	switch {
	case a.big != nil:
		return a.big.Sign()
	case a.digits < 0:
		return -1
	case a.digits > 0:
		return 1
	}
	return 0
}

// near reports whether two known numbers are equal, but for a hundredth: that
// much may be rounded away.
func (a number) near(b number) bool {
	difference := a.minus(b)
	if difference.sign() < 0 {
		difference = difference.negative()
	}
	return difference.minus(number{known: true, digits: 1, places: 2}).sign() <= 0
}

func (a number) rat() *big.Rat {
	if a.big != nil {
		return a.big
	}
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(a.places)), nil)
	return new(big.Rat).SetFrac(big.NewInt(a.digits), power)
}

// String is the number as text, with as many digits as it takes.
func (a number) String() string {
	r := a.rat()
	places, _ := r.FloatPrec()
	return r.FloatString(places)
}
