package enqueuercli

import (
	"testing"

	"casflow/internal/devtest"
)

// Every command's help lists each of its flags with its variable and default.
func TestRun_Help(t *testing.T) {
	t.Parallel()
	// The program, scan, submit, upload, serve, status, batch and its one, dead and its four, inbox and its four, cdsl
	// and its two, generate, account and its five.
	const want = 28
	if commands := devtest.Help(t, &cli{}, Run); commands != want {
		t.Errorf("looked at %d commands, want %d", commands, want)
	}
}

func TestRun_Version(t *testing.T) {
	t.Parallel()
	devtest.Version(t, Run)
}
