package samples

import (
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"
)

// Sizes of sample PDFs in bytes where Options say nothing.
const (
	defaultMinBytes = 50_000
	defaultMaxBytes = 3_000_000
)

// Options say which samples to make. The zero value makes none.
type Options struct {
	// Investors is the number of people. The sources are dealt round-robin
	// over them: CDSL, NSDL, CAMS_KFINTECH, CDSL and so on.
	Investors int
	// Months is the number of statements each investor gets, one a month from
	// April 2025. 0 means 1.
	Months int
	// Seed picks other people and portfolios.
	Seed uint64
	// Holdings is the number of holdings and schemes in each statement, and
	// Transactions the number of transactions. 0 means realistic numbers that
	// vary from investor to investor.
	Holdings, Transactions int
	// MinBytes and MaxBytes bound the size of a PDF: 0 means 50 KB and 3 MB.
	// Most are near the lower bound, as with real statements. A statement that
	// needs more than MaxBytes for its pages gets what it needs.
	MinBytes, MaxBytes int
	// PAN is that of every investor. "" gives each a PAN of their own, as does one
	// that is not plainly made up: ZZZP, a letter, four digits, a letter.
	PAN string
}

// bounds are the sizes in force.
func (o Options) bounds() (low, high int) {
	low, high = o.MinBytes, o.MaxBytes
	if low <= 0 {
		low = defaultMinBytes
		if high > 0 {
			low = min(low, high)
		}
	}
	if high <= 0 {
		high = defaultMaxBytes
	}
	return low, max(low, high)
}

// Generate yields the samples investor by investor, each one's statements in
// the order of months. Only one investor is in memory at a time.
func Generate(o Options) iter.Seq[*Sample] {
	return func(yield func(*Sample) bool) {
		for i := range o.Investors {
			p := newPortfolio(o, i)
			for month := range max(1, o.Months) {
				if !yield(p.statement(month)) {
					return
				}
			}
		}
	}
}

// period is one calendar month.
type period struct{ first, last time.Time }

// newPeriod is the month of that index.
func newPeriod(month int) period {
	first := time.Date(2025, time.April, 1, 0, 0, 0, 0, time.UTC).AddDate(0, month, 0)
	return period{first: first, last: first.AddDate(0, 1, -1)}
}

// day is the ISO date of a day of the month; days after its end are its end.
func (p period) day(n int) string {
	return p.first.AddDate(0, 0, min(n, p.last.Day())-1).Format(time.DateOnly)
}

// generatedAt is a moment some days after the period, in the style of the
// source.
func (p period) generatedAt(source Source, r *random) string {
	at := p.last.AddDate(0, 0, r.between(3, 9)).Add(
		time.Duration(r.between(6*3600, 20*3600)) * time.Second)
	clock := at.Format("2006-01-02T15:04:05")
	switch source {
	case SourceNSDL:
		return clock + "Z"
	case SourceCDSL:
		return clock + "+05:30"
	default:
		return clock
	}
}

// statement moves the portfolio on by a month and makes its sample. Months are
// asked for in order, each once.
func (p *portfolio) statement(month int) *Sample {
	when := newPeriod(month)
	r := newRandom(p.options.Seed, uint64(p.index), uint64(month), 2) //nolint:gosec // never negative
	st := p.advance(when, month, r)
	answer, err := json.Marshal(st)
	if err != nil {
		panic("samples: a statement always marshals: " + err.Error())
	}
	low, high := p.options.bounds()
	return &Sample{
		Filename: fmt.Sprintf("investor-%04d_%s_%s.pdf", p.index+1, when.first.Format("2006-01"),
			strings.ToLower(string(p.source))),
		Source:     p.source,
		PAN:        p.investor.PAN,
		Name:       p.investor.Name,
		PeriodFrom: st.Meta.StatementPeriod.From,
		PeriodTo:   st.Meta.StatementPeriod.To,
		Password:   p.investor.PAN,
		Statement:  st,
		Answer:     answer,
		seed:       p.options.Seed,
		target:     targetSize(low, high, r),
	}
}

// targetSize draws a size of a long tail: each doubling is reached by 44 in
// 100 of those before it, so that most files are below four times the least.
func targetSize(low, high int, r *random) int {
	for low*2 < high && r.chance(44) {
		low *= 2
	}
	return r.between(low, min(2*low, high))
}
