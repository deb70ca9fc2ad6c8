package enqueuercli_test

import (
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"casflow/cmd/enqueuer/enqueuercli"
	"casflow/internal/casapi/sandbox"
	"casflow/internal/devtest"
	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// openTerminal opens a terminal, and what shows what is written to it.
func openTerminal(t *testing.T) (screen, terminal *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatalf("no pseudo terminal: %v; mount devpts on /dev/pts, with /dev/ptmx linked to /dev/pts/ptmx", err)
	}
	t.Cleanup(func() { _ = screen.Close() }) // the terminal's end may have closed it
	control := func(request uintptr, value *int32) {
		t.Helper()
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, screen.Fd(), request, uintptr(unsafe.Pointer(value))); errno != 0 {
			t.Fatal(errno)
		}
	}
	unlocked, number := int32(0), int32(0)
	control(syscall.TIOCSPTLCK, &unlocked)
	control(syscall.TIOCGPTN, &number)
	if terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	return screen, terminal
}

// TestStatus_Terminal: on a terminal, watching a batch shows a bar, pace, time left,
// failures by reason and credits, each time on an empty screen, until all is done.
func TestStatus_Terminal(t *testing.T) {
	t.Parallel()
	l := setup(t)
	ids := l.record(t, "may", "a.pdf", "b.pdf", "c.pdf", "d.pdf")
	l.record(t, "june", "e.pdf")
	l.kill(t, ids[0], storage.ReasonWrongPassword)
	l.kill(t, ids[1], storage.ReasonTooLarge)
	// In the last minute, however long the test takes.
	storagetest.Rows(t, l.url, "UPDATE cas.documents SET finished_at = now() + interval '1 hour' WHERE status = 'dead'")
	api := httptest.NewServer(sandbox.New(sandbox.Config{Key: "sk_" + hush, Credits: 12}))
	t.Cleanup(api.Close)
	screen, terminal := openTerminal(t)
	log := devtest.NewLog()
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(log, screen) // ends with an error where the terminal is closed
	}()
	ended := make(chan int, 1)
	go func() {
		ended <- enqueuercli.Run(t.Context(), []string{
			"status", "--batch", "may", "--watch", "--every", "10ms", "--database-url", l.url, "--api-base-url", api.URL, "--api-key", "sk_" + hush,
		}, terminal, io.Discard)
	}()
	frame := log.Find(t.Context(), `(?s)^(\x1b\[H\x1b\[2J.*?)\x1b\[H`)
	for _, line := range []string{
		`\[#{20}\.{20}\] 50 %: 2 of 4 done`, `pending +2`, `wrong_password +1`, `too_large +1`, `finished in the last minute +2`, `done in about +1m0s`,
		`credits spent +3`, `credits left +12`,
	} {
		if !regexp.MustCompile(line).MatchString(frame) {
			t.Errorf("it does not tell %q:\n%s", line, frame)
		}
	}
	l.kill(t, ids[2], storage.ReasonTooLarge)
	l.kill(t, ids[3], storage.ReasonTooLarge)
	if code := <-ended; code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	if err := terminal.Close(); err != nil {
		t.Fatal(err)
	}
	<-read
	if text := log.String(); !strings.Contains(text, "[########################################] 100 %: 4 of 4 done") || strings.Contains(text, hush) {
		t.Errorf("it ends without a full bar, or tells a secret:\n%s", text)
	}
}
