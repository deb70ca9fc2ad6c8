package samples_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/samples"
)

// usual is a run large enough to show everything the samples can.
func usual() samples.Options { return samples.Options{Investors: 40, Months: 2, Seed: 7} }

// first gives the first n samples.
func first(t *testing.T, o samples.Options, n int) []*samples.Sample {
	t.Helper()
	var out []*samples.Sample
	for s := range samples.Generate(o) {
		if out = append(out, s); len(out) == n {
			return out
		}
	}
	t.Fatalf("Generate(%+v) gave %d samples, want %d", o, len(out), n)
	return nil
}

// pdfOf makes the sample's file.
func pdfOf(t *testing.T, s *samples.Sample) []byte {
	t.Helper()
	pdf, err := s.PDF()
	if err != nil {
		t.Fatalf("%s: PDF() = %v", s.Filename, err)
	}
	return pdf
}

func TestGenerate_Deterministic(t *testing.T) {
	t.Parallel()
	o := samples.Options{Investors: 4, Months: 2, Seed: 11, MaxBytes: 60_000}
	one, two := first(t, o, 8), first(t, o, 8)
	o.Seed++
	other := first(t, o, 8)
	for i := range one {
		if !bytes.Equal(one[i].Answer, two[i].Answer) {
			t.Errorf("%s: the answer differs between equal runs", one[i].Filename)
		}
		pdf := pdfOf(t, one[i])
		if !bytes.Equal(pdf, pdfOf(t, two[i])) || !bytes.Equal(pdf, pdfOf(t, one[i])) {
			t.Errorf("%s: the PDF differs between equal runs", one[i].Filename)
		}
		if bytes.Equal(one[i].Answer, other[i].Answer) || bytes.Equal(pdf, pdfOf(t, other[i])) {
			t.Errorf("%s: another seed gives the same sample", one[i].Filename)
		}
	}
}

func TestGenerate_Order(t *testing.T) {
	t.Parallel()
	var got []string
	for s := range samples.Generate(samples.Options{Investors: 3, Months: 2, Seed: 1}) {
		got = append(got, fmt.Sprintf("%s %s %s %s", s.Filename, s.Source, s.PeriodFrom, s.PeriodTo))
	}
	want := []string{
		"investor-0001_2025-04_cdsl.pdf CDSL 2025-04-01 2025-04-30",
		"investor-0001_2025-05_cdsl.pdf CDSL 2025-05-01 2025-05-31",
		"investor-0002_2025-04_nsdl.pdf NSDL 2025-04-01 2025-04-30",
		"investor-0002_2025-05_nsdl.pdf NSDL 2025-05-01 2025-05-31",
		"investor-0003_2025-04_cams_kfintech.pdf CAMS_KFINTECH 2025-04-01 2025-04-30",
		"investor-0003_2025-05_cams_kfintech.pdf CAMS_KFINTECH 2025-05-01 2025-05-31",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
	for s := range samples.Generate(samples.Options{}) {
		t.Errorf("Generate of no investors gave %s", s.Filename)
	}
}

func TestGenerate_PlainlyFake(t *testing.T) {
	t.Parallel()
	pan := regexp.MustCompile(`^ZZZP[A-Z][0-9]{4}[A-Z]$`)
	anyPAN := regexp.MustCompile(`[A-Z]{5}[0-9]{4}[A-Z]`)
	isin := regexp.MustCompile(`^(INE0ZZ[0-9A-Z]{5}|INF0ZZ[0-9A-Z]{5}|IN00209[0-9]{4})[0-9]$`)
	owner := map[string]string{}
	for s := range samples.Generate(samples.Options{Investors: 400, Months: 1, Seed: 3}) {
		if !pan.MatchString(s.PAN) || s.Password != s.PAN || s.Statement.Investor.PAN != s.PAN {
			t.Errorf("%s: PAN or password is not of the expected form", s.Filename)
		}
		if before, ok := owner[s.PAN]; ok {
			t.Errorf("%s has the PAN of %s", s.Filename, before)
		}
		owner[s.PAN] = s.Filename
		if anyPAN.MatchString(strings.ToUpper(s.Filename)) {
			t.Errorf("%s: a PAN in the file name", s.Filename)
		}
		for _, found := range anyPAN.FindAllString(string(s.Answer), -1) {
			if !pan.MatchString(found) {
				t.Errorf("%s: a PAN that is not plainly fake", s.Filename)
			}
		}
		if email := s.Statement.Investor.Email; email != "" && !strings.HasSuffix(string(email), "@example.invalid") {
			t.Errorf("%s: email %q", s.Filename, email)
		}
		for _, code := range isins(s.Statement) {
			if !isin.MatchString(code) {
				t.Errorf("%s: ISIN %q", s.Filename, code)
			}
		}
	}
	for s := range samples.Generate(samples.Options{Investors: 400, Seed: 3}) {
		for _, f := range s.Statement.MutualFunds {
			for _, h := range f.LinkedHolders[min(1, len(f.LinkedHolders)):] {
				if _, ok := owner[string(h.PAN)]; ok {
					t.Errorf("%s: a joint holder has an investor's PAN", s.Filename)
				}
			}
		}
	}
}

// isins are the ISINs of a statement but for a placeholder's.
func isins(st *samples.Statement) []string {
	var out []string
	for i := range st.DematAccounts {
		for _, h := range st.DematAccounts[i].Holdings.All() {
			out = append(out, h.ISIN)
		}
	}
	for _, f := range st.MutualFunds {
		for _, s := range f.Schemes {
			if f.FolioNumber != "" {
				out = append(out, s.ISIN)
			}
		}
	}
	return out
}

func TestGenerate_AnswerIsTheStatement(t *testing.T) {
	t.Parallel()
	for s := range samples.Generate(usual()) {
		var got samples.Statement
		decoder := json.NewDecoder(bytes.NewReader(s.Answer))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&got); err != nil {
			t.Fatalf("%s: %v", s.Filename, err)
		}
		again, err := json.Marshal(&got)
		if err != nil {
			t.Fatalf("%s: %v", s.Filename, err)
		}
		if !bytes.Equal(again, s.Answer) {
			t.Errorf("%s: the answer changed by decoding it:\n%s", s.Filename, cmp.Diff(string(s.Answer), string(again)))
		}
	}
}

func TestGenerate_FixedNumbers(t *testing.T) {
	t.Parallel()
	for s := range samples.Generate(samples.Options{
		Investors: 6, Months: 2, Seed: 5, Holdings: 57, Transactions: 311,
	}) {
		positions, rows := 0, 0
		for _, p := range positionsOf(s.Statement) {
			positions++
			rows += len(p.rows)
		}
		if positions != 57 || rows != 311 {
			t.Errorf("%s: %d positions with %d transactions, want 57 with 311", s.Filename, positions, rows)
		}
	}
}
