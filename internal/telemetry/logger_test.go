package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/redact"
	"casflow/internal/telemetry"
)

const (
	pan    = "ZZZPA0001Z"
	masked = "ZZ*******Z"
)

type label string

func (l label) String() string { return "label " + string(l) }

type holder struct{ PAN string }

type lazy struct{}

func (lazy) LogValue() slog.Value {
	return slog.GroupValue(slog.String("holder", pan), slog.Any("inner", slog.GroupValue(slog.Any("err", errors.New(pan)))))
}

// line logs through a JSON logger and returns the line, taken apart.
func line(t *testing.T, log func(context.Context, *slog.Logger)) map[string]any {
	t.Helper()
	var out bytes.Buffer
	log(t.Context(), telemetry.NewLogger(&out, slog.LevelDebug, "json"))
	if strings.Contains(out.String(), pan) {
		t.Errorf("the line shows a PAN: %s", &out)
	}
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("line %q: %v", &out, err)
	}
	return got
}

func TestNewLogger_Masks(t *testing.T) {
	t.Parallel()
	var nothing *holder
	for name, test := range map[string]struct {
		attr slog.Attr
		want any
	}{
		"String":        {slog.String("k", "of "+pan+"."), "of " + masked + "."},
		"LowerCase":     {slog.String("k", strings.ToLower(pan)), "zz*******z"},
		"Error":         {slog.Any("k", fmt.Errorf("open %s: %w", pan, os.ErrNotExist)), "open " + masked + ": file does not exist"},
		"JoinedErrors":  {slog.Any("k", errors.Join(errors.New(pan), errors.New("b"))), masked + "\nb"},
		"Stringer":      {slog.Any("k", label(pan)), "label " + masked},
		"Strings":       {slog.Any("k", []string{pan, "b"}), []any{masked, "b"}},
		"Bytes":         {slog.Any("k", []byte(pan)), masked},
		"Struct":        {slog.Any("k", holder{pan}), "{" + masked + "}"},
		"Pointer":       {slog.Any("k", &holder{pan}), "&{" + masked + "}"},
		"Map":           {slog.Any("k", map[string]string{"a": pan}), "map[a:" + masked + "]"},
		"NilPointer":    {slog.Any("k", nothing), "<nil>"},
		"Nil":           {slog.Any("k", nil), nil},
		"Group":         {slog.Group("k", slog.Group("in", slog.String("s", pan))), map[string]any{"in": map[string]any{"s": masked}}},
		"LogValuer":     {slog.Any("k", lazy{}), map[string]any{"holder": masked, "inner": map[string]any{"err": masked}}},
		"Secret":        {slog.Any("k", redact.Secret(pan)), "[redacted]"},
		"SecretInside":  {slog.Any("k", []redact.Secret{redact.Secret(pan)}), "[[redacted]]"},
		"Number":        {slog.Int("k", 1234567890), 1234567890.0},
		"Bool":          {slog.Bool("k", true), true},
		"Duration":      {slog.Duration("k", 1500*time.Millisecond), "1.5s"},
		"DocumentIDs":   {slog.String("k", "7c9e6679-7425-40de-944b-e07fc1f90ae7"), "7c9e6679-7425-40de-944b-e07fc1f90ae7"},
		"TimeIsUTC":     {slog.Time("k", time.Date(2026, 5, 1, 5, 30, 0, 0, time.FixedZone("IST", 19800))), "2026-05-01T00:00:00Z"},
		"ObjectKey":     {slog.String("k", "in/"+pan+"_2026-05.pdf"), "in/" + masked + "_2026-05.pdf"},
		"DurationGroup": {slog.Group("k", slog.Duration("parse", time.Second)), map[string]any{"parse": "1s"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := line(t, func(ctx context.Context, logger *slog.Logger) {
				logger.LogAttrs(ctx, slog.LevelInfo, "m", test.attr)
			})
			if diff := cmp.Diff(test.want, got["k"]); diff != "" {
				t.Errorf("value (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNewLogger_MasksEverywhere(t *testing.T) {
	t.Parallel()
	got := line(t, func(ctx context.Context, logger *slog.Logger) {
		logger.With(slog.String("queue", pan)).WithGroup("g").With(slog.Any("err", errors.New(pan))).
			WarnContext(ctx, "seen "+pan, slog.String("text", pan))
	})
	at, err := time.Parse(time.RFC3339, fmt.Sprint(got["time"]))
	if err != nil || at.Location() != time.UTC {
		t.Errorf("time = %v, %v, want RFC 3339 in UTC", got["time"], err)
	}
	delete(got, "time")
	want := map[string]any{
		"level": "WARN", "msg": "seen " + masked, "queue": masked,
		"g": map[string]any{"err": masked, "text": masked},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("line (-want +got):\n%s", diff)
	}
}

func TestNewLogger_LeavesTheCallersValuesAlone(t *testing.T) {
	t.Parallel()
	words := []string{pan}
	group := []slog.Attr{slog.String("s", pan)}
	line(t, func(ctx context.Context, logger *slog.Logger) {
		logger.LogAttrs(ctx, slog.LevelInfo, "m", slog.Any("words", words), slog.Attr{Key: "g", Value: slog.GroupValue(group...)})
	})
	if words[0] != pan || group[0].Value.String() != pan {
		t.Errorf("logging changed what was logged: %v %v", words, group)
	}
}

func TestNewLogger_Formats(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{
		"json": `"msg":"m","err":"` + masked + `"`,
		"text": `msg=m err=` + masked,
		"auto": `"msg":"m","err":"` + masked + `"`, // a buffer is no terminal
	} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			logger := telemetry.NewLogger(&out, slog.LevelInfo, format)
			logger.DebugContext(t.Context(), "below the level")
			logger.InfoContext(t.Context(), "m", slog.Any("err", errors.New(pan)))
			if got := out.String(); !strings.Contains(got, want) || strings.Contains(got, "below") {
				t.Errorf("%s logger wrote %q, want %q and nothing below the level", format, got, want)
			}
		})
	}
}

func TestIsTerminal_File(t *testing.T) {
	t.Parallel()
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	if telemetry.IsTerminal(file) {
		t.Error("a file counts as a terminal")
	}
}

// BenchmarkLogger writes the line that closes a document's task.
func BenchmarkLogger(b *testing.B) {
	logger := telemetry.NewLogger(io.Discard, slog.LevelInfo, "json")
	b.ReportAllocs()
	for b.Loop() {
		logger.LogAttrs(b.Context(), slog.LevelInfo, "document parsed",
			slog.String("document_id", "7c9e6679-7425-40de-944b-e07fc1f90ae7"), slog.String("queue", "bulk"), slog.Int("attempts", 1),
			slog.String("object_key", "in/"+pan+".pdf"), slog.Duration("duration", 1500*time.Millisecond),
			slog.Group("stages", slog.Duration("claim", time.Millisecond), slog.Duration("call", time.Second)))
	}
}
