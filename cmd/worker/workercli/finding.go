package workercli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"casflow/internal/redact"
)

// level is how bad a finding is.
type level string

const (
	levelOK   level = "ok"
	levelWarn level = "warn" // works, but will hurt one day
	levelFail level = "fail" // does not work, or loses something
)

// finding is what one check came to. Its texts hold no secrets.
type finding struct {
	Level  level  `json:"level"`
	Check  string `json:"check"` // one word, such as redis-policy
	Found  string `json:"found"`
	Remedy string `json:"remedy,omitempty"`
}

func good(check, format string, args ...any) finding {
	return finding{Level: levelOK, Check: check, Found: fmt.Sprintf(format, args...)}
}

// bad is a finding with what to do about it.
func bad(level level, check, remedy, format string, args ...any) finding {
	return finding{Level: level, Check: check, Found: fmt.Sprintf(format, args...), Remedy: remedy}
}

// broken is a check that ended in an error, which says what to do.
func broken(check string, err error) finding {
	return finding{Level: levelFail, Check: check, Found: err.Error()}
}

// String is what was found and what to do, in one line and with PANs masked: S3
// keys and the words of servers may hold some.
func (f finding) String() string {
	text := f.Found
	if f.Remedy != "" {
		text += "; " + f.Remedy
	}
	return oneLine(text)
}

func oneLine(text string) string {
	return redact.PANs(strings.Join(strings.Fields(text), " "))
}

// report writes findings: as lines when they come, or as JSON in the end.
type report struct {
	out      io.Writer
	asJSON   bool
	findings []finding
}

func (r *report) add(findings ...finding) error {
	for _, f := range findings {
		f.Found, f.Remedy = oneLine(f.Found), oneLine(f.Remedy)
		r.findings = append(r.findings, f)
		if r.asJSON {
			continue
		}
		if err := say(r.out, "%-4s  %-20s  %s\n", f.Level, f.Check, f); err != nil {
			return err
		}
	}
	return nil
}

// end writes what is left to write. The error says how many checks failed.
func (r *report) end() error {
	failed := len(failures(r.findings))
	if r.asJSON {
		encoder := json.NewEncoder(r.out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		all := struct {
			OK     bool      `json:"ok"`
			Checks []finding `json:"checks"`
		}{failed == 0, r.findings}
		if err := encoder.Encode(all); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d checks failed", failed, len(r.findings))
	}
	return nil
}

// failures are those findings that are no good.
func failures(findings []finding) []finding {
	return slices.DeleteFunc(slices.Clone(findings), func(f finding) bool { return f.Level != levelFail })
}
