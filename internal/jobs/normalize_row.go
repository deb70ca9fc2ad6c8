package jobs

import (
	"strings"

	"casflow/internal/casapi"
	"casflow/internal/storage"
)

// Tables whose rows are read, as metrics name them.
const (
	tableStatements        = "statements"
	tableDematAccounts     = "demat_accounts"
	tableDematHoldings     = "demat_holdings"
	tableFolios            = "mutual_fund_folios"
	tableSchemes           = "mutual_fund_schemes"
	tableTransactions      = "transactions"
	tableInsurancePolicies = "insurance_policies"
	tableNPSAccounts       = "nps_accounts"
	tableNPSFunds          = "nps_funds"
	tableLinkedHolders     = "linked_holders"
	tableContractNotes     = "contract_notes"
	tableNoteEquities      = "contract_note_equities"
	tableNoteDerivatives   = "contract_note_derivatives"
	tableNoteTrades        = "contract_note_trades"
)

// row reads the values of one row. What no column takes goes to extra: members
// nobody knows, and values that cannot be read as what their column holds. What a
// column takes in another form than it came in goes to form besides. Paths are
// those of storage.Members.
type row struct {
	unreadable  map[string]int // by table, of the whole answer
	table       string
	extra, form storage.Members
}

func (n *normalizer) row(table string) *row { return newRow(n.unreadable, table) }

func newRow(unreadable map[string]int, table string) *row {
	return &row{unreadable: unreadable, table: table}
}

// rest is what there is to say of the row beyond its columns.
func (r *row) rest() storage.Rest {
	return storage.Rest{Extra: r.extra.JSON(), Form: r.form.JSON()}
}

// keep puts a value that is known into extra.
func (r *row) keep(path string, v casapi.Value) {
	if !v.Known() {
		return
	}
	if r.extra == nil {
		r.extra = make(storage.Members)
	}
	r.extra[path] = string(v)
}

// cannotRead keeps a value that is not what it should be, if there is one.
func (r *row) cannotRead(path string, v casapi.Value) {
	if v.Known() {
		r.unreadable[r.table]++
		r.keep(path, v)
	}
}

// forms is form, which is there from now on.
func (r *row) forms() storage.Members {
	if r.form == nil {
		r.form = make(storage.Members)
	}
	return r.form
}

// came notes how a value came that a column holds in another form.
func (r *row) came(path string, v casapi.Value) {
	if v.Known() {
		r.forms()[path] = string(v)
	}
}

// members takes all members of an object that no field took. An object that was
// none at all is such a member too, in the object's own place.
func (r *row) members(object string, members casapi.Extra) {
	for name, v := range members {
		switch {
		case name == casapi.Misplaced:
			r.cannotRead(object, v)
		case object == "":
			r.keep(storage.Name(name), v)
		default:
			r.keep(object+"."+storage.Name(name), v)
		}
	}
}

// The readers below give the text for a column, "" where the value is unknown or
// unreadable.

func (r *row) text(path string, v casapi.Value) string {
	text, ok := v.Text()
	return r.take(path, v, text, ok, v.IsText(text))
}

func (r *row) decimal(path string, v casapi.Value) string {
	text, ok := v.Decimal()
	return r.take(path, v, text, ok, v.IsNumber())
}

func (r *row) date(path string, v casapi.Value) string {
	text, ok := v.Date()
	return r.take(path, v, text, ok, v.IsText(text))
}

func (r *row) bool(path string, v casapi.Value) string {
	text, ok := v.Bool()
	return r.take(path, v, text, ok, string(v) == text)
}

// pan takes valid PANs only, in their one form.
func (r *row) pan(path string, v casapi.Value) string {
	pan := readPAN(v)
	return r.take(path, v, pan, pan != "" || !v.Known(), v.IsText(pan))
}

// integer reads a count; one with a fraction or out of a column's range is
// unreadable.
func (r *row) integer(path string, v casapi.Value) string {
	text, ok := v.Decimal()
	whole, fraction, _ := strings.Cut(text, ".")
	if digits := strings.TrimPrefix(whole, "-"); strings.Trim(fraction, "0") != "" || len(digits) > 9 || strings.Trim(digits, "0123456789") != "" {
		ok = false
	}
	return r.take(path, v, whole, ok, v.IsNumber())
}

// take returns what was read. exact says that it tells all that the value does.
func (r *row) take(path string, v casapi.Value, text string, ok, exact bool) string {
	switch {
	case !ok:
		r.cannotRead(path, v)
		return ""
	case !exact:
		r.came(path, v)
	}
	return text
}

// instant reads a timestamp; came is its text.
func (r *row) instant(path string, v casapi.Value) (at, came string) {
	at, ok := v.Time()
	if ok && at != "" {
		came, _ = v.Text()
	}
	return r.take(path, v, at, ok, v.IsText(came)), came
}

// either reads a member that stands flat or in additional_info. Where both are
// known and differ, the flat one has the column and the other goes to extra.
func (r *row) either(read func(string, casapi.Value) string, name string, flat, nested casapi.Value) string {
	if !flat.Known() {
		return read("additional_info."+name, nested)
	}
	first, second := read(name, flat), read("additional_info."+name, nested)
	r.came(name, flat)
	r.came("additional_info."+name, nested)
	switch {
	case first == "":
		return second
	case second != "" && second != first:
		r.keep("additional_info."+name, nested)
	}
	return first
}

// inherited reads a text that an object around the row's has for it, where the
// row does not name its own.
func (r *row) inherited(path string, own, around casapi.Value) string {
	text, ok := around.Text()
	if own.Known() || text == "" || !ok {
		return r.text(path, own)
	}
	r.forms()[path] = "null"
	return text
}

// texts reads an array of texts; nil where it is unknown or unreadable.
func (r *row) texts(path string, l casapi.List[casapi.Value], read func(casapi.Value) (string, bool)) []string {
	r.cannotRead(path, l.Unreadable)
	exact := len(l.Nulls) == 0
	var texts []string
	for _, v := range l.Items {
		text, ok := read(v)
		if !ok {
			text = string(v) // as JSON: an object among texts
		}
		texts = append(texts, text)
		exact = exact && v.IsText(text)
	}
	if !exact {
		r.forms()[path] = arrayOf(l)
	}
	return texts
}

// arrayOf writes a list of values as it came.
func arrayOf(l casapi.List[casapi.Value]) string {
	elements := make([]string, 0, len(l.Items)+len(l.Nulls))
	items, nulls := l.Items, l.Nulls
	for len(items)+len(nulls) > 0 {
		if len(nulls) > 0 && nulls[0] == len(elements) {
			elements, nulls = append(elements, "null"), nulls[1:]
			continue
		}
		elements, items = append(elements, string(items[0])), items[1:]
	}
	return "[" + strings.Join(elements, ",") + "]"
}
