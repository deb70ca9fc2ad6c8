package samples

import "fmt"

// The page in hundredths of a point.
const (
	left      = 4200
	textWidth = pageWidth - 2*left
	bottom    = 5600 // no text but the footer below
)

// sheet lays a sample out on pages, from top to bottom.
type sheet struct {
	sample        *Sample
	regular, bold *font
	tint, pale    colour // of the source: headings, and shaded rows
	pages         []*canvas
	page          *canvas
	y             int // what lies above is printed
}

func newSheet(s *Sample) *sheet {
	out := &sheet{sample: s, regular: helvetica(), bold: helveticaBold()}
	switch s.Source {
	case SourceCDSL:
		out.tint, out.pale = colour{10, 27, 47}, colour{93, 95, 98}
	case SourceNSDL:
		out.tint, out.pale = colour{48, 14, 16}, colour{98, 95, 94}
	case SourceContractNote:
		out.tint, out.pale = colour{36, 22, 8}, colour{98, 96, 92}
	default:
		out.tint, out.pale = colour{8, 36, 28}, colour{93, 97, 95}
	}
	return out
}

// issuer is the invented issuer of the source's statements.
func issuer(source Source) string {
	switch source {
	case SourceCDSL:
		return "Specimen Central Depository (in the manner of CDSL)"
	case SourceNSDL:
		return "Specimen National Depository (in the manner of NSDL)"
	case SourceContractNote:
		return "Specimen Broking"
	default:
		return "Specimen Registrars (in the manner of CAMS and KFintech)"
	}
}

// warning is printed at the top of each page.
const warning = "MADE-UP SAMPLE  -  NOT A REAL STATEMENT  -  every person, account, security and number is invented"

// turn begins a page with the heading all pages have.
func (s *sheet) turn() {
	s.page = &canvas{ops: make([]byte, 0, 16<<10)}
	s.pages = append(s.pages, s.page)
	s.page.watermark(s.bold, "SAMPLE")
	const band = 5200
	top := pageHeight - band
	s.page.box(0, top, pageWidth, band, s.tint)
	s.page.text(s.bold, 1500, white(), left, top+2650, s.sample.title())
	s.page.text(s.regular, 850, white(), left, top+1250, issuer(s.sample.Source))
	right := left + textWidth
	s.page.textRight(s.bold, 900, white(), right, top+2650, s.sample.Name)
	span := day(s.sample.PeriodFrom)
	if s.sample.PeriodTo != s.sample.PeriodFrom {
		span += " to " + day(s.sample.PeriodTo)
	}
	s.page.textRight(s.regular, 850, white(), right, top+1250, span)
	const strip = 1500
	s.page.box(0, top-strip, pageWidth, strip, colour{99, 90, 70})
	s.page.text(s.bold, 780, alarm(), (pageWidth-s.bold.width(warning, 780))/2, top-strip+500, warning)
	s.y = top - strip - 1800
}

// room begins a page where less than height is left, and tells if it did.
func (s *sheet) room(height int) bool {
	if s.y-height >= bottom {
		return false
	}
	s.turn()
	return true
}

// heading prints the title of a section. It stays with the first account and
// its first rows.
func (s *sheet) heading(title string) {
	s.room(13000)
	s.y -= 1300
	s.page.text(s.bold, 1200, s.tint, left, s.y, title)
	s.y -= 500
	s.page.rule(s.y, 120, s.tint)
	s.y -= 900
}

// subheading prints a shaded line with the title of an account and, below,
// lines of what is known of it. It stays with the rows that follow.
func (s *sheet) subheading(title, side string, lines ...string) {
	height := 1500 + 1050*len(lines)
	s.room(height + 5500)
	s.y -= height
	s.page.box(left, s.y, textWidth, height, s.pale)
	s.page.rule(s.y+height, 60, s.tint)
	y := s.y + height - 1080
	s.page.text(s.bold, 850, black(), left+cellPad, y, title)
	s.page.textRight(s.bold, 850, black(), left+textWidth-cellPad, y, side)
	for _, line := range lines {
		y -= 1050
		s.page.text(s.regular, 730, grey(), left+cellPad, y, line)
	}
}

// paragraph prints text over the whole width.
func (s *sheet) paragraph(text string) {
	for _, line := range s.regular.wrap(text, 850, textWidth) {
		s.room(1150)
		s.y -= 1150
		s.page.text(s.regular, 850, black(), left, s.y, line)
	}
	s.y -= 500
}

// finish prints the footers, now that the number of pages is known, and gives
// the pages.
func (s *sheet) finish() [][]byte {
	out := make([][]byte, len(s.pages))
	for i, page := range s.pages {
		page.rule(4300, 40, s.tint)
		page.text(s.regular, 700, grey(), left, 3300,
			"Generated "+s.sample.made()+" for tests of casflow. Amounts in INR.")
		page.textRight(s.regular, 700, grey(), left+textWidth, 3300,
			fmt.Sprintf("Page %d of %d", i+1, len(s.pages)))
		out[i] = page.ops
	}
	return out
}
