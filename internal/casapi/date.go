package casapi

import (
	"strings"
	"time"
)

// indianTime is the zone in which times without one are read. That is an
// assumption: the docs say nothing, and India has one zone without summer time.
func indianTime() *time.Location { return time.FixedZone("IST", 5*3600+1800) }

// Date returns a date as YYYY-MM-DD. The docs know only that form; users also
// tolerate DD-Mon-YYYY. Besides these, DD/MM/YYYY and the date of an ISO
// timestamp (as it is written there, whatever its zone) are read. A day that is
// not in the calendar, or outside the years 1 to 9999, is unreadable.
func (v Value) Date() (string, bool) {
	text, ok := v.content()
	if !ok || text == "" {
		return "", ok
	}
	if _, ok := parseDay(time.DateOnly, text); ok {
		return text, true // nearly always
	}
	for _, layout := range []string{"2-Jan-2006", "02/01/2006"} {
		if day, ok := parseDay(layout, text); ok {
			return day.Format(time.DateOnly), true
		}
	}
	if at, ok := parseInstant(text); ok {
		return at.Format(time.DateOnly), true
	}
	return "", false
}

func parseDay(layout, text string) (time.Time, bool) {
	day, err := time.Parse(layout, text)
	return day, err == nil && day.Year() >= 1
}

// Time returns an instant in the form of RFC 3339, with the offset it came with.
// An ISO timestamp without a zone, or a mere date, is read as Indian time.
func (v Value) Time() (string, bool) {
	text, ok := v.content()
	if !ok || text == "" {
		return "", ok
	}
	at, ok := parseInstant(text)
	if !ok {
		if at, ok = inZone(time.DateOnly, text); !ok {
			return "", false
		}
	}
	return at.Format(time.RFC3339Nano), true
}

// parseInstant reads an ISO timestamp: T or a space between date and time,
// seconds and a fraction of them optional, as is the zone.
func parseInstant(text string) (time.Time, bool) {
	const shortest = len("2006-01-02T15:04")
	if len(text) < shortest || text[10] != 'T' && text[10] != 't' && text[10] != ' ' {
		return time.Time{}, false
	}
	text = text[:10] + "T" + strings.ToUpper(strings.Replace(text[11:], ",", "?", 1)) // a comma is no point here
	for _, layout := range []string{
		time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05 Z07:00",
		"2006-01-02T15:04Z07:00", "2006-01-02T15:04",
	} {
		if at, ok := inZone(layout, text); ok {
			return at, true
		}
	}
	return time.Time{}, false
}

// inZone parses text and refuses what no database takes: years outside 1 to
// 9999, in UTC as well, and offsets that no place on earth has.
func inZone(layout, text string) (time.Time, bool) {
	const farthest = 14 * 60 * 60
	at, err := time.ParseInLocation(layout, text, indianTime())
	if err != nil || at.Year() < 1 || at.UTC().Year() < 1 || at.UTC().Year() > 9999 {
		return time.Time{}, false
	}
	if _, offset := at.Zone(); offset > farthest || offset < -farthest {
		return time.Time{}, false
	}
	return at, true
}
