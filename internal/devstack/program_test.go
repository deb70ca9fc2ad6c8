package devstack

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

func TestStartProgram(t *testing.T) {
	t.Parallel()
	program, err := StartProgram(exec.CommandContext(t.Context(), "sleep", "60"))
	if err != nil {
		t.Fatal(err)
	}
	await(t, "its memory is seen", func() bool { return program.Peak() > 0 })
	if err := program.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := program.Wait(t.Context()); err == nil {
		t.Error("a program that was ended by a signal has ended well")
	}
	if cpu := program.CPU(); cpu < 0 || cpu > time.Minute {
		t.Errorf("took %s of the processor", cpu)
	}
	assertGone(t, program.process.command.Process.Pid)
}

func TestMemory(t *testing.T) {
	t.Parallel()
	now, err := Memory(os.Getpid(), "VmRSS")
	if err != nil {
		t.Fatal(err)
	}
	peak, err := Memory(os.Getpid(), "VmHWM")
	if err != nil || now < 1<<20 || peak < now/2 {
		t.Errorf("got %d bytes now and %d at most, %v", now, peak, err)
	}
	if got, err := Memory(os.Getpid(), "VmNone"); err == nil {
		t.Errorf("got %d of a size that there is not", got)
	}
}
