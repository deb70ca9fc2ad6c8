package samples

import (
	"strings"
	"time"
)

// unknownMark stands in tables for what the statement does not tell.
const unknownMark = "-"

// grouped writes a number as Indian statements do, 1,23,45,678.90, with at
// least that many decimal places and never fewer than it has.
func grouped(n Number, places int) string {
	if n == "" {
		return unknownMark
	}
	whole, negative := strings.CutPrefix(string(n), "-")
	whole, fraction, _ := strings.Cut(whole, ".")
	if missing := places - len(fraction); missing > 0 {
		fraction += strings.Repeat("0", missing)
	}
	var b strings.Builder
	if negative {
		b.WriteByte('-')
	}
	for i := range len(whole) {
		// A comma before the last three digits and before every two above.
		if left := len(whole) - i; i > 0 && left >= 3 && left%2 == 1 {
			b.WriteByte(',')
		}
		b.WriteByte(whole[i])
	}
	if fraction != "" {
		b.WriteString("." + fraction)
	}
	return b.String()
}

func money(n Number) string { return grouped(n, 2) }
func units(n Number) string { return grouped(n, 3) }

// day writes an ISO date as statements do, 05-Apr-2025.
func day(iso string) string {
	t, err := time.Parse(time.DateOnly, iso)
	if err != nil {
		return iso
	}
	return t.Format("02-Jan-2006")
}

// told is the text, or the mark where there is none.
func told[T ~string](s T) string {
	if s == "" {
		return unknownMark
	}
	return string(s)
}

// holderLine names the holders with their PANs.
func holderLine(holders []LinkedHolder) string {
	parts := make([]string, len(holders))
	for i, h := range holders {
		parts[i] = h.Name + " (PAN " + told(h.PAN) + ")"
	}
	return strings.Join(parts, "  /  ")
}
