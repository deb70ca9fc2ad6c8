package storage

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"
	"time"
)

// A row in Postgres' binary form is what COPY takes and what it sends for a row: for
// each column its length and then its bytes. So rows that were read anew can be held
// against those that stand, byte for byte, and can be copied in as they are.

// null is the length of what is NULL.
const null = math.MaxUint32

// appendField writes a cell in binary form. ok is false for what Postgres might read
// in another way than is done here, or not at all: it must have the text.
func (c *column) appendField(b []byte, cell any) (_ []byte, ok bool) {
	at := len(b)
	b, ok = append(b, 0xFF, 0xFF, 0xFF, 0xFF), true
	switch v := cell.(type) {
	case *[]string:
		if *v == nil {
			return b, true
		}
		b = appendTextArray(b, *v)
	case *int:
		b, ok = appendInteger(b, int64(*v))
	case *string:
		if *v == "" {
			return b, true
		}
		b, ok = c.appendValue(b, *v)
	default:
		panic("storage: a cell is neither text, place nor list") // see columns.go
	}
	append32(b[at:at], len(b)-at-4)
	return b, ok
}

func (c *column) appendValue(b []byte, text string) (_ []byte, ok bool) {
	switch c.cast {
	case "text":
		return append(b, text...), true
	case "numeric":
		return appendNumeric(b, text)
	case "integer":
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return b, false
		}
		return appendInteger(b, n)
	case "date":
		day, ok := dayOf(text)
		return append32(b, (day.Unix()-epoch)/(24*60*60)), ok
	case "timestamptz":
		at, err := time.Parse(time.RFC3339Nano, text)
		return appendInstant(b, at), err == nil && at.Nanosecond()%1000 == 0 && plainInstant(at, text)
	case "boolean":
		if text == "true" {
			return append(b, 1), true
		}
		return append(b, 0), text == "false"
	case "jsonb":
		return append(append(b, jsonbVersion), text...), true
	}
	return b, false
}

// dayOf reads YYYY-MM-DD, in a fifth of the time that time.Parse takes.
func dayOf(text string) (day time.Time, ok bool) {
	if len(text) != len(time.DateOnly) || text[4] != '-' || text[7] != '-' {
		return time.Time{}, false
	}
	for _, part := range [...]string{text[:4], text[5:7], text[8:]} {
		if number, rest := cutDigits(part); number == "" || rest != "" {
			return time.Time{}, false
		}
	}
	year, month, date := value(text[:4], 4), time.Month(value(text[5:7], 2)), int(value(text[8:], 2))
	day = time.Date(int(year), month, date, 0, 0, 0, 0, time.UTC)
	return day, year > 0 && day.Month() == month && day.Day() == date // else it is not in the calendar
}

// plainInstant reports whether what Go reads as an instant is one to Postgres too, which
// knows no year 0 and no zone that is 16 hours off.
func plainInstant(at time.Time, text string) bool {
	const most = 16 * 60 * 60
	_, offset := at.Zone()
	return at.Year() > 0 && offset > -most && offset < most && !strings.Contains(text, ",")
}

const (
	// epoch is where Postgres counts time from: 2000-01-01, in seconds of Unix.
	epoch = 946684800
	// jsonbVersion is before the text of a jsonb.
	jsonbVersion = 1
	// textOID is the type of the elements of a text[].
	textOID = 25
)

// append16 and append32 append the lower bits of a number, two's complement.

func append16(b []byte, n int) []byte {
	return binary.BigEndian.AppendUint16(b, uint16(n)) //nolint:gosec // as it says
}

func append32[N int | int64](b []byte, n N) []byte {
	return binary.BigEndian.AppendUint32(b, uint32(n))
}

func appendInteger(b []byte, n int64) ([]byte, bool) {
	return append32(b, n), n >= math.MinInt32 && n <= math.MaxInt32
}

func appendInstant(b []byte, at time.Time) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(at.UnixMicro()-epoch*1e6)) //nolint:gosec // two's complement
}

func appendTextArray(b []byte, texts []string) []byte {
	dimensions := min(1, len(texts))
	for _, n := range []int{dimensions, 0, textOID} {
		b = append32(b, n)
	}
	if dimensions == 0 {
		return b
	}
	b = append32(b, len(texts))
	b = append32(b, 1) // where subscripts begin
	for _, text := range texts {
		b = append(append32(b, len(text)), text...)
	}
	return b
}

// appendNumeric writes a decimal as numeric has it: groups of four digits, those of
// zeros at either end left out, with how many digits were behind the point.
func appendNumeric(b []byte, text string) (_ []byte, ok bool) {
	const negative, group = 0x4000, 4
	sign := 0
	if text[0] == '-' {
		sign, text = negative, text[1:]
	}
	whole, fraction, ok := plainDecimal(text)
	if !ok {
		return b, false
	}
	scale := len(fraction)
	whole = strings.TrimLeft(whole, "0")
	weight := (len(whole)+group-1)/group - 1 // the power of 10,000 of the first group
	at := len(b)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)
	count, trailing := 0, 0
	add := func(value uint16) {
		switch {
		case value == 0 && count == 0:
			weight-- // nothing before it
			return
		case value == 0:
			trailing++
		default:
			trailing = 0
		}
		b = binary.BigEndian.AppendUint16(b, value)
		count++
	}
	for len(whole) > 0 {
		n := (len(whole)-1)%group + 1
		add(value(whole[:n], n))
		whole = whole[n:]
	}
	for len(fraction) > 0 {
		n := min(group, len(fraction))
		add(value(fraction[:n], group))
		fraction = fraction[n:]
	}
	b, count = b[:len(b)-2*trailing], count-trailing
	if count == 0 {
		weight, sign = 0, 0
	}
	head := b[at:at]
	for _, n := range [...]int{count, weight, sign, scale} {
		head = append16(head, n)
	}
	return b, true
}

// plainDecimal are the digits before and behind the point, where an exponent leaves it.
func plainDecimal(text string) (whole, fraction string, ok bool) {
	const far = 1000
	whole, text = cutDigits(text)
	if strings.HasPrefix(text, ".") {
		fraction, text = cutDigits(text[1:])
	}
	switch {
	case whole == "" || len(whole)+len(fraction) > far:
		return "", "", false
	case text == "":
		return whole, fraction, true
	case text[0] != 'e' && text[0] != 'E':
		return "", "", false
	}
	shift, err := strconv.Atoi(text[1:])
	switch {
	case err != nil || shift > far || shift < -far:
		return "", "", false
	case shift >= 0:
		fraction += strings.Repeat("0", max(0, shift-len(fraction)))
		return whole + fraction[:shift], fraction[shift:], true
	}
	whole = strings.Repeat("0", max(0, -shift-len(whole))) + whole
	return whole[:len(whole)+shift], whole[len(whole)+shift:] + fraction, true
}

// cutDigits cuts off the digits that a text begins with.
func cutDigits(text string) (digits, rest string) {
	n := 0
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	return text[:n], text[n:]
}

// value is what digits come to, with zeros behind them up to so many.
func value(digits string, places int) (n uint16) {
	for i := range places {
		n *= 10
		if i < len(digits) {
			n += uint16(digits[i] - '0')
		}
	}
	return n
}
