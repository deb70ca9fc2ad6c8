package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"casflow/internal/storage"
	"casflow/internal/telemetry"
)

// console is where a command writes: results to out, all else to err.
type console struct{ out, err io.Writer }

// heading, item and command write what the demo does. What cannot be written is
// not worth ending it for.

func (c *console) heading(text string) { _, _ = fmt.Fprintf(c.out, "\n%s\n", text) }

func (c *console) item(format string, args ...any) {
	_, _ = fmt.Fprintf(c.out, "  "+format+"\n", args...)
}

func (c *console) command(words ...string) {
	_, _ = fmt.Fprintf(c.out, "\n$ %s\n", strings.Join(words, " "))
}

// watchInterval is how often the progress is looked up.
const watchInterval = 250 * time.Millisecond

// watch shows how many documents are finished, until ctx ends, and then once more:
// a bar on a terminal, elsewhere a line for each quarter.
func watch(ctx context.Context, w io.Writer, db *storage.DB) {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	var bar *progressbar.ProgressBar
	shown := 0
	for ended := false; ; {
		overview, err := db.Overview(context.WithoutCancel(ctx), "")
		if err == nil { // else the next look may do better; the worker has its own say
			done, all := finished(overview)
			switch {
			case telemetry.IsTerminal(w):
				if bar == nil {
					bar = progressbar.NewOptions(all, progressbar.OptionSetWriter(w), progressbar.OptionSetDescription("documents"),
						progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("documents"),
						progressbar.OptionClearOnFinish())
				}
				_ = bar.Set(done) // a bar that cannot be drawn does no harm
			case all > 0 && done*4/all > shown:
				shown = done * 4 / all
				_, _ = fmt.Fprintf(w, "%d of %d documents finished\n", done, all)
			}
		}
		if ended {
			break
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			ended = true
		}
	}
	if bar != nil {
		_ = bar.Finish()
	}
}

func finished(o storage.Overview) (done, all int) {
	for status, n := range o.Documents {
		all += n
		if status == storage.StatusParsed || status == storage.StatusDead {
			done += n
		}
	}
	return done, all
}

// tail is the end of a log, for the error of what wrote it.
func tail(file string) string {
	const most = 2000
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-most):])
}
