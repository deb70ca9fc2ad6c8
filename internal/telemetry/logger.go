// Package telemetry is how casflow is seen from outside: the logger, which masks
// PANs whatever is logged, the metrics registry, and the HTTP server of
// /metrics, /healthz and /readyz.
package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"

	"golang.org/x/term"

	"casflow/internal/redact"
)

// NewLogger returns a logger that writes to w from the given level on. format is
// json, text, or auto: text on a terminal, else json. PANs are masked in the
// message and in every value; keys are taken as they are.
//
// Keys in use: task_id queue retried document_id batch object_key cas_type
// reason attempts status_code request_id retry_in duration stages documents
// failures component addr text stack err.
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
	return ok && term.IsTerminal(int(file.Fd())) //nolint:gosec // a file descriptor fits
}

// replace writes times in UTC and durations as text, so that both formats read
// the same.
func replace(_ []string, attr slog.Attr) slog.Attr {
	switch attr.Value.Kind() {
	case slog.KindTime:
		return slog.Time(attr.Key, attr.Value.Time().UTC())
	case slog.KindDuration:
		return slog.String(attr.Key, attr.Value.Duration().String())
	}
	return attr
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
	masked := make([]slog.Attr, len(attrs))
	for i, attr := range attrs {
		masked[i] = mask(attr)
	}
	return masker{m.next.WithAttrs(masked)}
}

func (m masker) WithGroup(name string) slog.Handler { return masker{m.next.WithGroup(name)} }

func mask(attr slog.Attr) slog.Attr {
	value := attr.Value.Resolve()
	switch value.Kind() {
	case slog.KindString:
		attr.Value = slog.StringValue(redact.PANs(value.String()))
	case slog.KindGroup:
		group := slices.Clone(value.Group())
		for i := range group {
			group[i] = mask(group[i])
		}
		attr.Value = slog.GroupValue(group...)
	case slog.KindAny:
		// Whatever it is, it goes out as its masked text: a type that is not
		// known cannot be searched.
		attr.Value = slog.StringValue(redact.PANs(fmt.Sprint(value.Any())))
	default: // numbers, times and booleans hold no PAN
		attr.Value = value
	}
	return attr
}
