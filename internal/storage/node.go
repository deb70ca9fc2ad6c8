package storage

import (
	"maps"
	"slices"
	"strings"
)

// node is a value of an answer that is put together again: JSON text, or an
// object, or an array whose gaps are null. The zero value is unknown.
type node struct {
	raw      string
	members  map[string]*node
	elements map[int]*node
	length   int // of the array, at least
}

// at returns the node at a path below n, which is made where it is missing. What
// was in the way is lost.
func (n *node) at(path []step) *node {
	for _, s := range path {
		n.raw = ""
		next := n.members[s.name]
		if s.element {
			next = n.elements[s.at]
		}
		if next == nil {
			next = &node{}
			n.put(s, next)
		}
		n = next
	}
	return n
}

func (n *node) put(s step, child *node) {
	switch {
	case s.element:
		if n.elements == nil {
			n.elements = make(map[int]*node)
		}
		n.elements[s.at] = child
		n.length = max(n.length, s.at+1)
	default:
		if n.members == nil {
			n.members = make(map[string]*node)
		}
		n.members[s.name] = child
	}
}

// set puts a JSON text at a path below n.
func (n *node) set(path, raw string) error {
	way, err := steps(path)
	if err != nil {
		return err
	}
	*n.at(way) = node{raw: raw}
	return nil
}

// write writes the node as JSON.
func (n *node) write(b *strings.Builder) {
	switch {
	case n.raw != "":
		b.WriteString(n.raw)
	case n.length > 0:
		separator := "["
		for i := range n.length {
			b.WriteString(separator)
			separator = ","
			if element := n.elements[i]; element != nil {
				element.write(b)
				continue
			}
			b.WriteString("null")
		}
		b.WriteString("]")
	default:
		b.WriteByte('{')
		separator := ""
		for _, name := range slices.Sorted(maps.Keys(n.members)) {
			b.WriteString(separator)
			separator = ","
			b.WriteString(quote(name))
			b.WriteByte(':')
			n.members[name].write(b)
		}
		b.WriteByte('}')
	}
}

func (n *node) text() string {
	var b strings.Builder
	n.write(&b)
	return b.String()
}
