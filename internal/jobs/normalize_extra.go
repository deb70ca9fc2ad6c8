package jobs

import (
	"strings"

	"casflow/internal/casapi"
)

// extra collects, for one row, what no column takes: members nobody knows, and
// values that cannot be read as what their column holds. Its keys are wire names
// (paths with dots, where the row flattens an object). The zero value is empty.
type extra struct {
	values casapi.Extra
}

func (e *extra) put(path string, v casapi.Value) {
	if !v.Known() {
		return
	}
	if e.values == nil {
		e.values = make(casapi.Extra)
	}
	e.values[path] = v
}

// members takes all members of an object that no field took. An object that was
// none at all is such a member under the empty name.
func (e *extra) members(prefix string, members casapi.Extra) {
	for name, v := range members {
		path := prefix + name
		if name == "" {
			path = strings.TrimSuffix(prefix, ".")
		}
		e.put(path, v)
	}
}

// unreadable takes a value that is not what it should be, if there is one.
func (e *extra) unreadable(path string, v casapi.Value) { e.put(path, v) }

// The readers below give the text for a column, "" where the value is unknown or
// unreadable; what is unreadable goes to extra.

func (e *extra) read(path string, v casapi.Value, as func() (string, bool)) string {
	text, ok := as()
	if !ok {
		e.unreadable(path, v)
		return ""
	}
	return text
}

func (e *extra) text(path string, v casapi.Value) string    { return e.read(path, v, v.Text) }
func (e *extra) decimal(path string, v casapi.Value) string { return e.read(path, v, v.Decimal) }
func (e *extra) date(path string, v casapi.Value) string    { return e.read(path, v, v.Date) }
func (e *extra) time(path string, v casapi.Value) string    { return e.read(path, v, v.Time) }
func (e *extra) bool(path string, v casapi.Value) string    { return e.read(path, v, v.Bool) }

// either reads a member that stands flat or in additional_info. Where both are
// known and differ, the flat one has the column and the other goes to extra.
func (e *extra) either(read func(string, casapi.Value) string, name string, flat, nested casapi.Value) string {
	first, second := read(name, flat), read("additional_info."+name, nested)
	if first == "" {
		return second
	}
	if second != "" && second != first {
		e.put("additional_info."+name, nested)
	}
	return first
}

// integer reads a count; one with a fraction or out of a column's range is
// unreadable.
func (e *extra) integer(path string, v casapi.Value) string {
	text := e.decimal(path, v)
	whole, fraction, _ := strings.Cut(text, ".")
	if digits := strings.TrimPrefix(whole, "-"); strings.Trim(fraction, "0") != "" || len(digits) > 9 || strings.Trim(digits, "0123456789") != "" {
		e.unreadable(path, v)
		return ""
	}
	return whole
}

// list reads an array of texts; nil where it is unknown or unreadable.
func (e *extra) list(path string, l casapi.List[casapi.Value]) []string {
	e.unreadable(path, l.Unreadable)
	if len(l.Items) == 0 {
		return nil
	}
	texts := make([]string, 0, len(l.Items))
	for _, v := range l.Items {
		text, ok := v.Text()
		if !ok {
			text = v.Storable() // as JSON: an object among texts
		}
		texts = append(texts, text)
	}
	return texts
}

// json gives what was collected as the JSON object of the row's extra column, ""
// for nothing.
func (e *extra) json() string { return e.values.Storable() }
