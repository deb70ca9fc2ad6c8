package casapi

import "strings"

// cursor goes through JSON that is known to be in order, so that it only has to find
// where values end: the JSON library, which looks at each one as if it were the first,
// takes twice the time. Between values there is nothing but space, commas and colons.
type cursor struct {
	text  string
	at    int
	depth int // of what it is in
}

// kind is the first byte of what comes next: a quote, a digit or minus, a letter, a
// bracket or a brace. 0 is the end.
func (c *cursor) kind() byte {
	for ; c.at < len(c.text); c.at++ {
		switch b := c.text[c.at]; b {
		case ' ', '\t', '\r', '\n', ',', ':':
		default:
			return b
		}
	}
	return 0
}

// enter goes into the object or array that comes next.
func (c *cursor) enter() {
	c.at++
	c.depth++
}

// leave goes out of an object or array at its end.
func (c *cursor) leave() {
	c.at++
	c.depth--
}

// value goes past the next value, or the name of a member, and returns it as it came.
func (c *cursor) value() Value {
	first, start := c.kind(), c.at
	switch first {
	case '"':
		c.at = endOfString(c.text, start)
	case '{', '[':
		for depth := 1; depth > 0 && c.at+1 < len(c.text); {
			c.at++
			switch c.text[c.at] {
			case '"':
				c.at = endOfString(c.text, c.at) - 1
			case '{', '[':
				depth++
			case '}', ']':
				depth--
			}
		}
		c.at++
	default:
		for c.at < len(c.text) && !ends(c.text[c.at]) {
			c.at++
		}
	}
	return Value(c.text[start:c.at])
}

// ends reports whether a number or word ends before b.
func ends(b byte) bool {
	switch b {
	case ' ', '\t', '\r', '\n', ',', '}', ']':
		return true
	}
	return false
}

// endOfString is where the string that begins at start ends, behind its quote.
func endOfString(text string, start int) int {
	for at := start + 1; ; {
		next := strings.IndexByte(text[at:], '"')
		if next < 0 {
			return len(text) // never, where it is in order
		}
		at += next + 1
		before := at - 1
		for text[before-1] == '\\' {
			before--
		}
		if (at-1-before)%2 == 0 { // else the last backslash is for the quote
			return at
		}
	}
}
