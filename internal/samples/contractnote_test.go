package samples_test

import (
	"bytes"
	"encoding/json"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pdfcpu/pdfcpu/pkg/api"

	"casflow/internal/samples"
)

func notes(t *testing.T, o samples.Options) []*samples.Sample {
	t.Helper()
	var all []*samples.Sample
	for s := range samples.GenerateContractNotes(o) {
		all = append(all, s)
	}
	return all
}

func TestGenerateContractNotes_Deterministic(t *testing.T) {
	t.Parallel()
	o := samples.Options{Investors: 4, Months: 2, Seed: 11, MaxBytes: 60_000}
	one, two := notes(t, o), notes(t, o)
	if len(one) != 8 {
		t.Fatalf("%d notes, want 8", len(one))
	}
	numbers := map[string]bool{}
	for i := range one {
		if !bytes.Equal(pdfOf(t, one[i]), pdfOf(t, two[i])) || !bytes.Equal(one[i].Answer, two[i].Answer) {
			t.Errorf("%s: differs between equal runs", one[i].Filename)
		}
		numbers[one[i].ContractNote.Info.Number] = true
	}
	if len(numbers) != 8 {
		t.Errorf("%d different numbers, want 8", len(numbers))
	}
	for range samples.GenerateContractNotes(o) {
		break // whoever has seen enough may leave
	}
}

// The clients of contract notes are the investors of statements.
func TestGenerateContractNotes_People(t *testing.T) {
	t.Parallel()
	o := samples.Options{Investors: 9, Seed: 3}
	statements := first(t, o, 9)
	anyPAN, isin := regexp.MustCompile(`[A-Z]{5}[0-9]{4}[A-Z]`), regexp.MustCompile(`^INE0ZZ[0-9A-Z]{6}$`)
	for i, s := range notes(t, o) {
		n := s.ContractNote
		if s.PAN != statements[i].PAN || s.Name != statements[i].Name || n.Client.PAN != s.PAN || s.Password != s.PAN {
			t.Errorf("%s: is not of investor %d", s.Filename, i+1)
		}
		if got := anyPAN.FindAllString(string(s.Answer), -1); len(got) != 1 || !strings.HasPrefix(s.PAN, "ZZZP") {
			t.Errorf("%s: %d PANs, want the one that is plainly fake", s.Filename, len(got))
		}
		for _, row := range n.Equities {
			if !isin.MatchString(row.ISIN) {
				t.Errorf("%s: ISIN %q", s.Filename, row.ISIN)
			}
		}
		if s.PeriodFrom != n.Info.TradeDate || n.Info.SettlementDate <= n.Info.TradeDate || len(n.Broker.SEBIRegistration) != 12 {
			t.Errorf("%s: %+v of %+v", s.Filename, n.Info, n.Broker)
		}
	}
}

func TestGenerateContractNotes_Answer(t *testing.T) {
	t.Parallel()
	type envelope struct {
		Status string               `json:"status"`
		Msg    string               `json:"msg"`
		Data   samples.ContractNote `json:"data"`
	}
	seen := map[string]int{}
	for _, s := range notes(t, samples.Options{Investors: 40, Months: 2, Seed: 7}) {
		var got envelope
		decoder := json.NewDecoder(bytes.NewReader(s.Answer))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&got); err != nil {
			t.Fatalf("%s: %v", s.Filename, err)
		}
		if got.Status != "success" || got.Msg == "" {
			t.Errorf("%s: status %q, msg %q", s.Filename, got.Status, got.Msg)
		}
		if diff := cmp.Diff(*s.ContractNote, got.Data); diff != "" {
			t.Errorf("%s: -want +got:\n%s", s.Filename, diff)
		}
		seen["broker "+got.Data.Broker.Type]++
		seen["state "+got.Data.Client.GSTStateCode]++
		for _, row := range got.Data.Derivatives {
			seen["derivative "+row.Side]++
		}
		for _, row := range got.Data.Trades {
			seen["trade "+row.Side]++
		}
	}
	for what := range strings.SplitSeq("broker zerodha,broker groww,broker upstox,broker icici,state 7,state 27,state 09,"+
		"derivative B,derivative S,derivative BF,derivative CF,trade B,trade S", ",") {
		if seen[what] == 0 {
			t.Errorf("80 notes show no %s", what)
		}
	}
}

func TestGenerateContractNotes_SumsAgree(t *testing.T) {
	t.Parallel()
	for _, s := range notes(t, samples.Options{Investors: 20, Months: 3, Seed: 5}) {
		n := s.ContractNote
		trades, obligations := new(big.Rat), []samples.Number{}
		for _, row := range n.Equities {
			net := new(big.Rat).Sub(exact(t, row.BuyTotalValue), exact(t, row.SellTotalValue))
			if !n.BuysArePositive() {
				net.Neg(net)
			}
			if net.Cmp(exact(t, row.NetObligation)) != 0 {
				t.Errorf("%s %s: net obligation %s, want %s", s.Filename, row.SecuritySymbol, row.NetObligation, net.FloatString(2))
			}
			trades.Add(trades, net)
			obligations = append(obligations, row.NetObligation)
		}
		for _, row := range n.Trades {
			trades.Sub(trades, exact(t, row.NetTotal))
			if buys := row.Side == "B"; buys != (exact(t, row.NetTotal).Sign() > 0) && n.BuysArePositive() {
				t.Errorf("%s: %s of %s", s.Filename, row.Side, row.NetTotal)
			}
		}
		if trades.Sign() != 0 {
			t.Errorf("%s: trades and shares differ by %s", s.Filename, trades.FloatString(2))
		}
		for _, row := range n.Derivatives {
			obligations = append(obligations, row.NetTotal)
		}
		checkSum(t, s.Filename, n.Charges.PayInPayOutObligation, obligations...)
		c := n.Charges
		charges := []samples.Number{
			c.TaxableValueBrokerage, c.ExchangeTransactionCharges, c.CGST, c.SGST, c.IGST, c.SecuritiesTransactionTax,
			c.SEBITurnoverFees, c.StampDuty,
		}
		if !n.BuysArePositive() {
			for i := range charges {
				charges[i] = "-" + charges[i]
			}
		}
		checkSum(t, s.Filename+" net amount", c.NetAmount, append(charges, c.PayInPayOutObligation)...)
	}
}

func TestContractNote_PDF(t *testing.T) {
	t.Parallel()
	for _, s := range notes(t, samples.Options{Investors: 4, Seed: 21, MaxBytes: 60_000}) {
		pdf := pdfOf(t, s)
		if err := api.Validate(bytes.NewReader(pdf), withPassword(s.Password)); err != nil {
			t.Errorf("%s: validate: %v", s.Filename, err)
		}
		if err := api.Validate(bytes.NewReader(pdf), withPassword("wrong")); err == nil {
			t.Errorf("%s: a wrong password opens it", s.Filename)
		}
		if bytes.Contains(pdf, []byte(s.PAN)) {
			t.Errorf("%s: tells its PAN without the password", s.Filename)
		}
	}
}
