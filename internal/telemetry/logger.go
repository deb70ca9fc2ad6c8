package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"golang.org/x/term"

	"casflow/internal/redact"
)

// NewLogger returns a logger that writes to w from the given level on. format is
// json, text, or auto: text on a terminal, else json. PANs are masked in the
// message and in every value; keys are taken as they are.
func NewLogger(w io.Writer, level slog.Level, format string) *slog.Logger {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: replace}
	if format == "text" || format == "auto" && IsTerminal(w) {
		return slog.New(masker{slog.NewTextHandler(w, options)})
	}
	return slog.New(masker{slog.NewJSONHandler(w, options)})
}

// IsTerminal reports whether w is a terminal.
func IsTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// replace writes times in UTC and durations as text, so that both formats read
// the same.
func replace(_ []string, attr slog.Attr) slog.Attr {
	switch attr.Value.Kind() {
	case slog.KindTime:
		return slog.Time(attr.Key, attr.Value.Time().UTC())
	case slog.KindDuration:
		return slog.String(attr.Key, attr.Value.Duration().String())
	default:
		return attr
	}
}

// masker masks PANs on the way to another handler.
type masker struct{ next slog.Handler }

func (m masker) Enabled(ctx context.Context, level slog.Level) bool {
	return m.next.Enabled(ctx, level)
}

func (m masker) Handle(ctx context.Context, record slog.Record) error {
	masked := slog.NewRecord(record.Time, record.Level, redact.PANs(record.Message), record.PC)
	record.Attrs(func(attr slog.Attr) bool {
		masked.AddAttrs(mask(attr))
		return true
	})
	return m.next.Handle(ctx, masked) //nolint:wrapcheck // a handler passes on
}

func (m masker) WithAttrs(attrs []slog.Attr) slog.Handler {
	return masker{m.next.WithAttrs(maskAll(attrs))}
}

func (m masker) WithGroup(name string) slog.Handler { return masker{m.next.WithGroup(name)} }

func maskAll(attrs []slog.Attr) []slog.Attr {
	masked := make([]slog.Attr, len(attrs))
	for i, attr := range attrs {
		masked[i] = mask(attr)
	}
	return masked
}

func mask(attr slog.Attr) slog.Attr {
	attr.Value = attr.Value.Resolve()
	switch attr.Value.Kind() {
	case slog.KindString:
		attr.Value = slog.StringValue(redact.PANs(attr.Value.String()))
	case slog.KindGroup:
		attr.Value = slog.GroupValue(maskAll(attr.Value.Group())...)
	case slog.KindAny:
		attr.Value = maskAny(attr.Value.Any())
	default: // numbers, times and booleans hold no PAN
	}
	return attr
}

// maskAny masks a value of any type. Lists of words stay lists; all else goes out
// as its masked text, because a type that is not known cannot be searched.
func maskAny(value any) slog.Value {
	switch value := value.(type) {
	case nil:
		return slog.AnyValue(nil)
	case []string:
		masked := make([]string, len(value))
		for i, text := range value {
			masked[i] = redact.PANs(text)
		}
		return slog.AnyValue(masked)
	case []byte: // as text: its numbers would hide a PAN from the mask, not from a reader
		return slog.StringValue(redact.PANs(string(value)))
	default:
		return slog.StringValue(redact.PANs(fmt.Sprint(value)))
	}
}
