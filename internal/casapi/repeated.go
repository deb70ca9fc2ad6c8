package casapi

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// Repeated is a member whose name comes again in its object. The last one counts;
// this is one before it.
type Repeated struct {
	Path  string // a JSON Pointer (RFC 6901)
	Value Value  // as it came
}

// maxRepeated bounds what repeated members take in memory, in bytes.
const maxRepeated = 16 << 20

// withoutRepeats returns body without the members whose name comes again in their
// object, and these.
func withoutRepeats(body []byte) ([]byte, []Repeated, error) {
	var (
		clean    bytes.Buffer
		repeated []Repeated
		copied   int // so far body is dealt with
		held     int
	)
	counts := countNames(body)
	decoder := jsontext.NewDecoder(bytes.NewBuffer(body), tolerant()...)
	var open []map[string]int // of the objects and arrays around: how often each name is still to come
	for {
		before := int(decoder.InputOffset())
		kind, length := decoder.StackIndex(decoder.StackDepth())
		token, err := decoder.ReadToken()
		switch {
		case errors.Is(err, io.EOF):
			return append(clean.Bytes(), body[copied:]...), repeated, nil
		case err != nil:
			return nil, nil, incomplete(body)
		}
		if token.Kind() == jsontext.KindString && kind == jsontext.KindBeginObject && length%2 == 0 {
			left := open[len(open)-1]
			if left == nil {
				continue
			}
			name := token.String()
			if left[name]--; left[name] < 1 { // it does not come again
				continue
			}
			path := string(decoder.StackPointer())
			value, err := decoder.ReadValue()
			if err != nil {
				return nil, nil, incomplete(body)
			}
			if held += len(path) + len(value) + 64; held > maxRepeated {
				return nil, nil, errTooMany
			}
			repeated = append(repeated, Repeated{Path: path, Value: Value(value)})
			// Another member follows, so a comma does.
			clean.Write(body[copied:skipSpaces(body, before)])
			copied = skipSpaces(body, int(decoder.InputOffset()))
			continue
		}
		switch token.Kind() {
		case jsontext.KindBeginObject, jsontext.KindBeginArray:
			open = append(open, counts[decoder.InputOffset()])
		case jsontext.KindEndObject, jsontext.KindEndArray:
			open = open[:len(open)-1]
		default: // a value
		}
	}
}

// countNames counts, for each object with repeated names, how often each of them
// is there. Objects are known by where they begin.
func countNames(body []byte) map[int64]map[string]int {
	type frame struct {
		at       int64
		names    map[string]int
		repeated bool
	}
	counts := make(map[int64]map[string]int)
	decoder := jsontext.NewDecoder(bytes.NewBuffer(body), tolerant()...)
	var open []frame
	for {
		kind, length := decoder.StackIndex(decoder.StackDepth())
		token, err := decoder.ReadToken()
		if err != nil { // the end, or no JSON, which the next walk finds again
			return counts
		}
		switch token.Kind() {
		case jsontext.KindString:
			if kind == jsontext.KindBeginObject && length%2 == 0 {
				object := &open[len(open)-1]
				if object.names == nil {
					object.names = make(map[string]int)
				}
				name := token.String()
				object.names[name]++
				object.repeated = object.repeated || object.names[name] > 1
			}
		case jsontext.KindBeginObject, jsontext.KindBeginArray:
			open = append(open, frame{at: decoder.InputOffset()})
		case jsontext.KindEndObject, jsontext.KindEndArray:
			if last := open[len(open)-1]; last.repeated {
				counts[last.at] = last.names
			}
			open = open[:len(open)-1]
		default: // a value
		}
	}
}

// skipSpaces returns the place of the next byte from at on that is neither space
// nor comma.
func skipSpaces(body []byte, at int) int {
	for at < len(body) && bytes.IndexByte([]byte(" \t\r\n,"), body[at]) >= 0 {
		at++
	}
	return at
}
