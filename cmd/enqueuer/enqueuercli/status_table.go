package enqueuercli

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"casflow/internal/storage"
)

// noteWidth is how wide, in characters, the last column of status gets: what servers say
// has no end, and would pad or break all other lines.
const noteWidth = 80

// statusTable is lines of a name, a value and a note, of which the note may be long.
type statusTable struct {
	text strings.Builder
	rows table
}

func newStatusTable() *statusTable {
	t := &statusTable{}
	t.rows = newTable(&t.text)
	return t
}

func (t *statusTable) row(name string, value any, note string) {
	cells := []string{name, fmt.Sprint(value)}
	for _, line := range wrap(note, noteWidth) {
		t.rows.add(cells[0], cells[1], line)
		cells = []string{"", ""}
	}
}

// layOut is the lines below each other, without blanks at their ends.
func (t *statusTable) layOut() (string, error) {
	if err := t.rows.flush(); err != nil {
		return "", err
	}
	var b strings.Builder
	for line := range strings.Lines(t.text.String()) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return b.String(), nil
}

// lastRun says how the last run of a schedule went, and whether a next one is to come.
func lastRun(s storage.Schedule) (state, note string) {
	off := func(last string) (state, note string) { return "off", "no server has it now; " + last }
	failure := strings.ReplaceAll(s.Failure, "\n", "; ")
	switch started, finished := instant(s.StartedAt), instant(s.FinishedAt); {
	case started == "" && s.Current:
		return "waits", "has not run yet"
	case started == "":
		return off("it has not run yet")
	case finished == "" && s.Current:
		return "runs", "since " + started
	case finished == "":
		return off("its last run, of " + started + ", was cut short")
	case failure != "" && s.Current:
		return "failed", "at " + finished + ": " + failure
	case failure != "":
		return off("its last run failed at " + finished + ": " + failure)
	case s.Current:
		return "done", "at " + finished
	default:
		return off("its last run was done at " + finished)
	}
}

// wrap breaks a text between its words into lines of a width, one at least. A word that is
// longer has a line of its own.
func wrap(text string, width int) []string {
	lines, length := []string{""}, 0
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		switch last := len(lines) - 1; {
		case length == 0:
			lines[last], length = word, n
		case length+1+n <= width:
			lines[last], length = lines[last]+" "+word, length+1+n
		default:
			lines, length = append(lines, word), n
		}
	}
	return lines
}
