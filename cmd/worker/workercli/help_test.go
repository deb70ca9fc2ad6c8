package workercli

import (
	"testing"

	"casflow/internal/devtest"
)

// Every command's help lists each of its flags with its variable and default.
func TestRun_Help(t *testing.T) {
	t.Parallel()
	// The program, run, migrate, migrate up, migrate down, migrate status, resume, reconcile, replay, erase, doctor.
	const want = 11
	if commands := devtest.Help(t, &cli{}, Run); commands != want {
		t.Errorf("looked at %d commands, want %d", commands, want)
	}
}

func TestRun_Version(t *testing.T) {
	t.Parallel()
	devtest.Version(t, Run)
}
