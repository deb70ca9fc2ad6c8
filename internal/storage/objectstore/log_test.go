package objectstore

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/smithy-go/logging"
)

func TestSDKLogger(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	logger := sdkLogger{slog.New(slog.NewTextHandler(&logged, nil))}
	logger.Logf(logging.Debug, "left out at level info")
	logger.Logf(logging.Warn, "odd answer for %s", "in/ZZZPA0001Z.pdf")
	if got, want := logged.String(), `level=WARN msg="message of the aws sdk" detail="odd answer for in/ZZ*******Z.pdf"`; !strings.Contains(got, want) ||
		strings.Count(got, "\n") != 1 {
		t.Errorf("got %q, want a line with %q", got, want)
	}
	sdkLogger{}.Logf(logging.Warn, "goes nowhere")
}
