package enqueuercli

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"casflow/internal/scan"
	"casflow/internal/telemetry"
)

// progress is a bar on a terminal, and nothing elsewhere. most is how many things
// there will be; -1 where that is not known.
func progress(w io.Writer, most int, things string) *progressbar.ProgressBar {
	return progressbar.NewOptions(most, progressbar.OptionSetWriter(w), progressbar.OptionSetVisibility(telemetry.IsTerminal(w)),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString(things),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetSpinnerChangeInterval(0)) // its ticker would race with Add and Describe, and outlive the bar
}

// scanBar shows how far a scan is: with the time that is left, where it is known
// how many objects there were last time.
type scanBar struct {
	w    io.Writer
	bar  *progressbar.ProgressBar // nil before the first page
	seen int
}

func (b *scanBar) show(p scan.Progress) {
	most := max(p.Expected-p.Before, p.Listed+1) // there may be more than last time
	if b.bar == nil {
		if p.Expected == 0 {
			most = -1
		}
		b.bar = progress(b.w, most, "objects")
	} else if p.Expected > 0 && most != b.bar.GetMax() {
		b.bar.ChangeMax(most)
	}
	b.bar.Describe(fmt.Sprintf("%d new, %d known", p.New, p.Known))
	_ = b.bar.Add(p.Listed - b.seen) // a bar that cannot be drawn does no harm
	b.seen = p.Listed
}

func (b *scanBar) finish() {
	if b.bar != nil {
		_ = b.bar.Finish() // as above
	}
}
