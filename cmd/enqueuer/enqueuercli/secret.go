package enqueuercli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"casflow/internal/config"
	"casflow/internal/redact"
)

// maxSecret is the longest line that is read for a secret, in bytes.
const maxSecret = 4 << 10

// secret reads a secret from standard input: its first line, after a prompt and unseen
// where that is a terminal. missing is the fault of configuration of one that is empty.
func (c *console) secret(ctx context.Context, prompt, missing string) (redact.Secret, error) {
	file, isFile := c.in.(*os.File)
	onTerminal := isFile && term.IsTerminal(int(file.Fd()))
	if onTerminal {
		state, err := term.GetState(int(file.Fd()))
		if err != nil {
			return "", fmt.Errorf("ask for a secret: %w", err)
		}
		defer func() { _ = term.Restore(int(file.Fd()), state) }() // also where the reader below is left behind
		if _, err := fmt.Fprintf(c.err, "%s: ", prompt); err != nil {
			return "", fmt.Errorf("write prompt: %w", err)
		}
	}
	type line struct {
		text []byte
		err  error
	}
	read := make(chan line, 1) // nobody may be waiting any more: a read cannot be called off
	go func() {
		var l line
		if onTerminal {
			l.text, l.err = term.ReadPassword(int(file.Fd()))
			_, _ = io.WriteString(c.err, "\n") // the one that was typed did not show
		} else if l.text, l.err = bufio.NewReader(io.LimitReader(c.in, maxSecret)).ReadBytes('\n'); errors.Is(l.err, io.EOF) {
			l.err = nil
		}
		read <- l
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err() //nolint:wrapcheck // main's own
	case l := <-read:
		secret := redact.Secret(strings.TrimSpace(string(l.text)))
		switch {
		case l.err != nil:
			return "", fmt.Errorf("read standard input: %w", l.err)
		case secret == "":
			return "", config.Usage(errors.New(missing))
		}
		return secret, nil
	}
}
