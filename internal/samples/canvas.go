package samples

import "strconv"

// colour is red, green and blue in hundredths.
type colour struct{ r, g, b int }

func black() colour { return colour{10, 10, 12} }
func white() colour { return colour{100, 100, 100} }
func grey() colour  { return colour{45, 45, 48} }
func faint() colour { return colour{82, 83, 86} }
func alarm() colour { return colour{75, 8, 8} }

// canvas is the content of one page. Lengths are hundredths of a point, from
// the lower left corner of the paper: whole numbers, because the bytes of a
// page must not depend on how a machine rounds.
type canvas struct{ ops []byte }

// number appends hundredths as a decimal.
func (c *canvas) number(hundredths int) {
	if hundredths < 0 {
		c.ops = append(c.ops, '-')
		hundredths = -hundredths
	}
	c.ops = strconv.AppendInt(c.ops, int64(hundredths/100), 10)
	if cents := hundredths % 100; cents != 0 {
		c.ops = append(c.ops, '.', byte('0'+cents/10), byte('0'+cents%10))
	}
	c.ops = append(c.ops, ' ')
}

// op appends an operator after its operands.
func (c *canvas) op(name string, operands ...int) {
	for _, n := range operands {
		c.number(n)
	}
	c.ops = append(c.ops, name...)
	c.ops = append(c.ops, '\n')
}

// box fills a rectangle whose lower left corner is x, y.
func (c *canvas) box(x, y, width, height int, fill colour) {
	c.op("rg", fill.r, fill.g, fill.b)
	c.op("re f", x, y, width, height)
}

// frame outlines a rectangle.
func (c *canvas) frame(x, y, width, height int, stroke colour) {
	c.op("RG", stroke.r, stroke.g, stroke.b)
	c.op("w", 60)
	c.op("re S", x, y, width, height)
}

// rule draws a horizontal line across the text.
func (c *canvas) rule(y, thickness int, stroke colour) {
	c.op("RG", stroke.r, stroke.g, stroke.b)
	c.op("w", thickness)
	c.op("m", left, y)
	c.op("l S", left+textWidth, y)
}

// text writes s with its base line starting at x, y.
func (c *canvas) text(f *font, size int, fill colour, x, y int, s string) {
	if s == "" {
		return
	}
	c.op("rg", fill.r, fill.g, fill.b)
	c.ops = append(c.ops, "BT /"...)
	c.ops = append(c.ops, f.name...)
	c.ops = append(c.ops, ' ')
	c.op("Tf", size)
	c.op("Td", x, y)
	c.show(s)
}

// textRight writes s with its base line ending at x, y.
func (c *canvas) textRight(f *font, size int, fill colour, x, y int, s string) {
	c.text(f, size, fill, x-f.width(s, size), y, s)
}

// watermark writes s big and pale across the page.
func (c *canvas) watermark(f *font, s string) {
	c.op("rg", 95, 95, 96)
	c.ops = append(c.ops, "BT /"+f.name+" 110 Tf\n"...)
	// The first four turn the text by 53 degrees.
	c.op("Tm", 60, 80, -80, 60, 19000, 20000)
	c.show(s)
}

// show ends a text object by writing s.
func (c *canvas) show(s string) {
	c.ops = append(c.ops, '(')
	for _, b := range latin1(s) {
		if b == '(' || b == ')' || b == '\\' {
			c.ops = append(c.ops, '\\')
		}
		c.ops = append(c.ops, b)
	}
	c.ops = append(c.ops, ") Tj ET\n"...)
}

// mosaic draws the sample's image into a rectangle.
func (c *canvas) mosaic(x, y, width, height int) {
	c.ops = append(c.ops, "q "...)
	c.op("cm", width, 0, 0, height, x, y)
	c.ops = append(c.ops, "/M Do Q\n"...)
}
