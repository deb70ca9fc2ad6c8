package samples

import (
	"fmt"
	"regexp"
	"strings"
)

// The space of PANs: ZZZP, a letter, four digits, a letter. Investors and
// their relatives take the fifth letter from separate ranges, so that no
// relative shares a PAN with an investor.
const (
	investorLetters = 18 // A to R
	relativeLetters = 8  // S to Z
	pansPerLetter   = 10_000 * 26
	// panStep has no factor in common with the size of either range (2, 3, 5
	// and 13), so stepping visits every PAN before one comes twice.
	panStep = 1_234_577
)

// panFor is the index-th PAN of a range of letters. PANs repeat after 4.68
// million investors.
func panFor(seed uint64, index int, firstLetter byte, letters int) string {
	size := letters * pansPerLetter
	start := newRandom(seed, uint64(firstLetter)).below(size)
	n := (start + index%size*(panStep%size)) % size
	return fmt.Sprintf("ZZZP%c%04d%c",
		firstLetter+byte(n/pansPerLetter), n/26%10_000, 'A'+byte(n%26)) //nolint:gosec // below 26 both
}

var madeUpPAN = regexp.MustCompile(`^ZZZP[A-Z][0-9]{4}[A-Z]$`)

// newInvestor makes up the person of that index; see Options.PAN.
func newInvestor(seed uint64, index int, source Source, pan string, r *random) Investor {
	name := pick(r, firstNames()) + " " + pick(r, surnames())
	if index%5 == 4 {
		name = fmt.Sprintf("Test Investor %d", index+1)
	}
	inv := Investor{Name: name, PAN: panFor(seed, index, 'A', investorLetters)}
	if madeUpPAN.MatchString(pan) {
		inv.PAN = pan
	}
	inv.Email = Text(fmt.Sprintf("investor%d@example.invalid", index+1))
	inv.Address = Text(fmt.Sprintf("Flat %d, %s, %s, Sampleville", r.between(1, 404),
		pick(r, []string{"Placeholder Heights", "Dummy Residency", "Specimen Towers", "Mock Gardens"}),
		pick(r, []string{"1 Example Road", "22 Nowhere Street", "303 Invented Lane"})))
	inv.Pincode = Text(fmt.Sprintf("9999%02d", r.below(100)))
	inv.Mobile = Text(fmt.Sprintf("00000%05d", r.below(100_000)))
	if source != SourceCAMSKFintech {
		inv.CASID = Text(fmt.Sprintf("ZZ%08d", (index*9973+r.below(97))%100_000_000))
	}
	// All but name and PAN may be unknown.
	if r.chance(15) {
		inv.Email = ""
	}
	if r.chance(20) {
		inv.Mobile = ""
	}
	if r.chance(10) {
		inv.Address, inv.Pincode = "", ""
	}
	return inv
}

// newRelatives makes up a family that holders and nominees are taken from.
func newRelatives(seed uint64, index int, r *random) []LinkedHolder {
	const each = 2
	family := make([]LinkedHolder, each)
	first := r.below(len(firstNames()))
	for i := range family {
		family[i] = LinkedHolder{
			Name: firstNames()[(first+5*i)%len(firstNames())] + " " + pick(r, surnames()),
			PAN:  Text(panFor(seed, index*each+i, 'S', relativeLetters)),
		}
	}
	if r.chance(25) {
		family[1].PAN = "" // a holder's PAN may be missing
	}
	return family
}

func firstNames() []string {
	return []string{
		"Asha", "Vikram", "Meena", "Rohan", "Kavya", "Imran", "Zoë", "Farah", "Arjun", "Leela",
		"Nikhil", "Priya", "Tara", "Dev", "Sunita", "Kabir",
	}
}

func surnames() []string {
	return []string{
		"Sample-Rao", "Specimen-Iyer", "Testcase-Khan", "Dummy-Shah", "Placeholder-Das",
		"Mockson", "Example-Nair", "O'Sample", "Fictive-Singh", "Notreal-Bose",
	}
}

// holders is the investor alone or with joint holders.
func (p *portfolio) holders(joint int) []LinkedHolder {
	all := []LinkedHolder{{Name: p.investor.Name, PAN: Text(p.investor.PAN)}}
	return append(all, p.family[:joint]...)
}

// upper is a name as depositories print it.
func upper(name string) string { return strings.ToUpper(name) }
