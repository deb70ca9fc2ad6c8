package samples

// font is one of the two fonts a page uses, by its name in the resources.
type font struct {
	name   string
	widths [95]int // of the characters 32 to 126, in thousandths of the size
}

// helvetica has the widths of Adobe's published metrics.
func helvetica() *font {
	return &font{name: "F1", widths: [95]int{
		278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,
		556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
		1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
		667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
		333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
		556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
	}}
}

// helveticaBold has the widths of Adobe's published metrics.
func helveticaBold() *font {
	return &font{name: "F2", widths: [95]int{
		278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278,
		556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611,
		975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833, 722, 778,
		667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556,
		333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611,
		611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584,
	}}
}

// width is the width of s at a size, in the unit of the size. A character
// outside ASCII counts as a digit's width, which is near enough for a name.
func (f *font) width(s string, size int) int {
	total := 0
	for _, r := range s {
		if r >= 32 && r <= 126 {
			total += f.widths[r-32]
		} else {
			total += 556
		}
	}
	return total * size / 1000
}

// wrap breaks s between words into lines no wider than most, except for single
// words that are wider by themselves.
func (f *font) wrap(s string, size, most int) []string {
	if f.width(s, size) <= most {
		return []string{s}
	}
	var lines []string
	start, space := 0, -1
	for i := 0; i <= len(s); i++ {
		if i < len(s) && s[i] != ' ' {
			continue
		}
		if space > start && f.width(s[start:i], size) > most {
			lines = append(lines, s[start:space])
			start = space + 1
		}
		space = i
	}
	return append(lines, s[start:])
}
