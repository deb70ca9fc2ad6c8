package samples

// The print of tables, in hundredths of a point.
const (
	tableSize     = 730  // of the characters
	tableSmallest = 400  // of a number too long for its column
	tableLine     = 920  // from line to line within a row
	tablePad      = 310  // above and below the text of a row
	cellPad       = 350  // left and right of it
	tableHeader   = 1550 // height of the header row
)

// column is one column of a table. Widths are relative.
type column struct {
	title string
	share int
	right bool // numbers
}

// table lays out rows under a header that is repeated on each page.
type table struct {
	sheet   *sheet
	columns []column
	edges   []int // left edge of each column, and the right edge of the last
	striped bool  // the next row is shaded
	begun   bool
}

// newTable begins a table as wide as the text.
func (s *sheet) newTable(columns ...column) *table {
	t := &table{sheet: s, columns: columns}
	sum := 0
	for _, c := range columns {
		sum += c.share
	}
	at := 0
	for _, c := range columns {
		t.edges = append(t.edges, left+at*textWidth/sum)
		at += c.share
	}
	t.edges = append(t.edges, left+textWidth)
	return t
}

// header prints the titles.
func (t *table) header() {
	s := t.sheet
	s.y -= tableHeader
	s.page.box(left, s.y, textWidth, tableHeader, s.tint)
	t.cells(s.bold, white(), s.y+510, func(i int) string { return t.columns[i].title })
	t.striped = false
	t.begun = true
}

// cells prints one line of text.
func (t *table) cells(f *font, fill colour, y int, text func(int) string) {
	for i, c := range t.columns {
		s := text(i)
		if !c.right {
			t.sheet.page.text(f, tableSize, fill, t.edges[i]+cellPad, y, s)
			continue
		}
		size := tableSize
		for f.width(s, size) > t.edges[i+1]-t.edges[i]-cellPad && size > tableSmallest {
			size -= 20 // a number is set smaller, never cut or broken
		}
		t.sheet.page.textRight(f, size, fill, t.edges[i+1]-cellPad, y, s)
	}
}

// row prints a row; text too wide for its column goes on in further lines.
func (t *table) row(cells ...string) { t.print(t.sheet.regular, cells) }

// total prints a row that sums up those before it, between rules.
func (t *table) total(cells ...string) {
	t.striped = false
	t.print(t.sheet.bold, cells)
	s := t.sheet
	s.page.rule(s.y, 80, s.tint)
}

func (t *table) print(f *font, cells []string) {
	s := t.sheet
	lines := make([][]string, len(cells))
	most := 1
	for i, cell := range cells {
		if t.columns[i].right {
			lines[i] = []string{cell}
			continue
		}
		lines[i] = f.wrap(cell, tableSize, t.edges[i+1]-t.edges[i]-2*cellPad)
		most = max(most, len(lines[i]))
	}
	height := most*tableLine + tablePad
	need := height
	if !t.begun {
		need += tableHeader
	}
	if s.room(need) || !t.begun {
		t.header()
	}
	s.y -= height
	if t.striped {
		s.page.box(left, s.y, textWidth, height, s.pale)
	}
	t.striped = !t.striped
	for n := range most {
		t.cells(f, black(), s.y+height-tableLine+60-n*tableLine, func(i int) string {
			if n < len(lines[i]) {
				return lines[i][n]
			}
			return ""
		})
	}
	s.page.rule(s.y, 25, faint())
}

// end leaves room after the table.
func (t *table) end() { t.sheet.y -= 1100 }
