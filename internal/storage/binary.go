package storage

import (
	"encoding/binary"
	"strconv"
	"strings"
	"time"
)

// A row in Postgres' binary form is what COPY takes and what it sends for a row: for
// each column its length and then its bytes. So rows that were read anew can be held
// against those that stand, byte for byte, and can be copied in as they are.

// null is the length of what is NULL.
const null = 0xFFFFFFFF

// appendField writes a cell in binary form. ok is false for what Postgres might read
// in another way than is done here, or not at all: it must have the text.
func (c column) appendField(b []byte, cell any) (_ []byte, ok bool) {
	at := len(b)
	b = append(b, 0xFF, 0xFF, 0xFF, 0xFF)
	if list, isList := cell.(*[]string); isList {
		if *list == nil {
			return b, true
		}
		b = appendTextArray(b, *list)
	} else if place, isPlace := cell.(*int); isPlace {
		b, ok = appendInteger(b, int64(*place))
		if !ok {
			return b, false
		}
	} else {
		text := *cell.(*string) //nolint:forcetypeassert // see columns.go
		if text == "" {
			return b, true
		}
		if b, ok = c.appendValue(b, text); !ok {
			return b, false
		}
	}
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4))
	return b, true
}

func (c column) appendValue(b []byte, text string) (_ []byte, ok bool) {
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
		day, err := time.Parse(time.DateOnly, text)
		return binary.BigEndian.AppendUint32(b, uint32(int32(day.Unix()/(24*60*60)-epoch/(24*60*60)))), err == nil
	case "timestamptz":
		at, err := time.Parse(time.RFC3339Nano, text)
		return appendInstant(b, at), err == nil && at.Nanosecond()%1000 == 0
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

const (
	// epoch is where Postgres counts time from: 2000-01-01, in seconds of Unix.
	epoch = 946684800
	// jsonbVersion is before the text of a jsonb.
	jsonbVersion = 1
	// textOID is the type of the elements of a text[].
	textOID = 25
)

func appendInteger(b []byte, n int64) ([]byte, bool) {
	return binary.BigEndian.AppendUint32(b, uint32(int32(n))), n == int64(int32(n))
}

func appendInstant(b []byte, at time.Time) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(at.UnixMicro()-epoch*1e6))
}

func appendTextArray(b []byte, texts []string) []byte {
	dimensions := min(1, len(texts))
	for _, n := range []int{dimensions, 0, textOID} {
		b = binary.BigEndian.AppendUint32(b, uint32(n))
	}
	if dimensions == 0 {
		return b
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(texts)))
	b = binary.BigEndian.AppendUint32(b, 1) // where subscripts begin
	for _, text := range texts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(text)))
		b = append(b, text...)
	}
	return b
}

// appendNumeric writes a decimal as numeric has it: groups of four digits, those of
// zeros at either end left out, with how many digits were behind the point.
func appendNumeric(b []byte, text string) (_ []byte, ok bool) {
	const negative, group = 0x4000, 4
	sign := uint16(0)
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
	for i, n := range []uint16{uint16(count), uint16(weight), sign, uint16(scale)} {
		binary.BigEndian.PutUint16(b[at+2*i:], n)
	}
	return b, true
}

// plainDecimal are the digits before and behind the point, where an exponent leaves it.
func plainDecimal(text string) (whole, fraction string, ok bool) {
	const far = 1000
	exponent, shifted := "", false
	if at := strings.IndexAny(text, "eE"); at >= 0 {
		text, exponent, shifted = text[:at], text[at+1:], true
	}
	whole, fraction, _ = strings.Cut(text, ".")
	if whole == "" || !digits(whole) || !digits(fraction) || len(whole)+len(fraction) > far {
		return "", "", false
	}
	if !shifted {
		return whole, fraction, true
	}
	shift, err := strconv.Atoi(exponent)
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

func digits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return true
}
