package samples_test

import (
	"math/big"
	"slices"
	"testing"

	"casflow/internal/samples"
)

// held is a holding or scheme as the sums see it.
type held struct {
	name        string
	units, nav  samples.Number
	value       samples.Number
	open, close samples.Number
	rows        []samples.Transaction
}

func positionsOf(st *samples.Statement) map[string]held {
	out := map[string]held{}
	for i := range st.DematAccounts {
		a := &st.DematAccounts[i]
		for _, h := range a.Holdings.All() {
			out[a.DPID+a.ClientID+h.ISIN] = held{
				h.Name, h.Units, "", h.Value, h.AdditionalInfo.OpenUnits, h.AdditionalInfo.CloseUnits, h.Transactions,
			}
		}
	}
	for _, f := range st.MutualFunds {
		for _, s := range f.Schemes {
			out[f.FolioNumber+s.ISIN] = held{
				s.Name, s.Units, s.NAV, s.Value, s.AdditionalInfo.OpenUnits, s.AdditionalInfo.CloseUnits, s.Transactions,
			}
		}
	}
	return out
}

// exact is a number as a fraction; an unknown one is 0.
func exact(t *testing.T, n samples.Number) *big.Rat {
	t.Helper()
	if n == "" {
		return new(big.Rat)
	}
	r, ok := new(big.Rat).SetString(string(n))
	if !ok {
		t.Fatalf("%q is not a number", n)
	}
	return r
}

// checkSum reports a total that is not the sum of its parts.
func checkSum(t *testing.T, what string, want samples.Number, parts ...samples.Number) {
	t.Helper()
	sum := new(big.Rat)
	for _, p := range parts {
		sum.Add(sum, exact(t, p))
	}
	if sum.Cmp(exact(t, want)) != 0 {
		t.Errorf("%s: the parts sum to %s, want %s", what, sum.FloatString(4), want)
	}
}

func TestGenerate_SumsAgree(t *testing.T) {
	t.Parallel()
	for _, o := range []samples.Options{
		usual(), {Investors: 3, Months: 3, Seed: 2, Holdings: 40, Transactions: 200},
	} {
		for s := range samples.Generate(o) {
			st := s.Statement
			var demat, funds, pensions []samples.Number
			for i := range st.DematAccounts {
				a := &st.DematAccounts[i]
				var parts []samples.Number
				for _, h := range a.Holdings.All() {
					parts = append(parts, h.Value)
				}
				checkSum(t, s.Filename+" account", a.Value, parts...)
				demat = append(demat, a.Value)
			}
			for _, f := range st.MutualFunds {
				var parts []samples.Number
				for _, sc := range f.Schemes {
					parts = append(parts, sc.Value)
				}
				checkSum(t, s.Filename+" folio "+f.FolioNumber, f.Value, parts...)
				funds = append(funds, f.Value)
			}
			for _, n := range st.NPS {
				var parts []samples.Number
				for _, f := range n.Funds {
					parts = append(parts, f.Value)
				}
				checkSum(t, s.Filename+" NPS", n.Value, parts...)
				pensions = append(pensions, n.Value)
			}
			accounts := st.Summary.Accounts
			checkSum(t, s.Filename+" demat", accounts.Demat.TotalValue, demat...)
			checkSum(t, s.Filename+" funds", accounts.MutualFunds.TotalValue, funds...)
			all := slices.Concat(demat, funds)
			if accounts.NPS != nil {
				checkSum(t, s.Filename+" pensions", accounts.NPS.TotalValue, pensions...)
				all = append(all, pensions...)
			}
			checkSum(t, s.Filename+" total", st.Summary.TotalValue, all...)
		}
	}
}

// TestGenerate_UnitsAddUp holds each position's movements against its opening
// and closing units, each row's balance, and the months against each other.
func TestGenerate_UnitsAddUp(t *testing.T) {
	t.Parallel()
	var before map[string]held
	carried := 0
	for s := range samples.Generate(samples.Options{Investors: 60, Months: 4, Seed: 9}) {
		if s.PeriodFrom == "2025-04-01" {
			before = nil
		}
		now := positionsOf(s.Statement)
		for key, p := range now {
			if was, ok := before[key]; ok && p.open != "" && was.close != "" {
				carried++
				if p.open != was.close {
					t.Errorf("%s %s: opens with %s, closed with %s", s.Filename, p.name, p.open, was.close)
				}
			}
			checkRows(t, s, p)
			if exact(t, p.units).Sign() < 0 {
				t.Errorf("%s %s: %s units", s.Filename, p.name, p.units)
			}
		}
		before = now
	}
	if carried == 0 {
		t.Error("no position was carried from month to month")
	}
}

func checkRows(t *testing.T, s *samples.Sample, p held) {
	t.Helper()
	moved := new(big.Rat)
	for i, row := range p.rows {
		if row.Date < s.PeriodFrom || row.Date > s.PeriodTo || (i > 0 && row.Date < p.rows[i-1].Date) {
			t.Errorf("%s %s: row %d of %s is out of order or period", s.Filename, p.name, i, row.Date)
		}
		change := exact(t, row.Units)
		if row.Type == samples.TypeReversal {
			change = undone(t, p.rows[:i], row)
		}
		moved.Add(moved, change)
		if p.open != "" && row.Balance != "" {
			if want := new(big.Rat).Add(exact(t, p.open), moved); want.Cmp(exact(t, row.Balance)) != 0 {
				t.Errorf("%s %s: balance of row %d is %s, want %s", s.Filename, p.name, i, row.Balance, want.FloatString(9))
			}
		}
	}
	if p.open == "" {
		return
	}
	if p.close != p.units {
		t.Errorf("%s %s: closes with %s, holds %s", s.Filename, p.name, p.close, p.units)
	}
	if want := moved.Add(moved, exact(t, p.open)); want.Cmp(exact(t, p.close)) != 0 {
		t.Errorf("%s %s: closes with %s, want %s", s.Filename, p.name, p.close, want.FloatString(9))
	}
}

// undone gives the units a reversal takes back: those of the row of the same
// date whose amount it negates.
func undone(t *testing.T, rows []samples.Transaction, reversal samples.Transaction) *big.Rat {
	t.Helper()
	for _, row := range slices.Backward(rows) {
		sum := new(big.Rat).Add(exact(t, row.Amount), exact(t, reversal.Amount))
		if row.Date == reversal.Date && sum.Sign() == 0 {
			return new(big.Rat).Neg(exact(t, row.Units))
		}
	}
	t.Errorf("reversal of %s on %s has no row to undo", reversal.Amount, reversal.Date)
	return new(big.Rat)
}
