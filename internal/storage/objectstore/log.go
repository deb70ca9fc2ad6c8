package objectstore

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/aws/smithy-go/logging"

	"casflow/internal/redact"
)

// sdkLogger passes on what the SDK has to say, which by itself would go to
// standard error.
type sdkLogger struct {
	to *slog.Logger // nil: nowhere
}

// Logf is called by the SDK.
func (l sdkLogger) Logf(class logging.Classification, format string, values ...any) {
	if l.to == nil {
		return
	}
	level := slog.LevelDebug
	if class == logging.Warn {
		level = slog.LevelWarn
	}
	// The text may name the object.
	detail := redact.PANs(fmt.Sprintf(format, values...))
	l.to.LogAttrs(context.Background(), level, "message of the aws sdk", slog.String("detail", detail))
}
