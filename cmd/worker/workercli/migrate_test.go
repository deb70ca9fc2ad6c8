package workercli_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/storage/storagetest"
)

// migrate runs worker migrate and returns the lines that it wrote, with single
// spaces and times made alike.
func migrate(t *testing.T, command, address string) []string {
	t.Helper()
	out := run(t, "migrate", command, "--database-url", address).wantDone(t).stdout
	out = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`).ReplaceAllString(out, "TIME")
	var lines []string
	for line := range strings.Lines(out) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return lines
}

// migrationNames are the files of the migrations, in order.
func migrationNames(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../../../migrations/*.sql")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d migrations are found, %v, want some", len(files), err)
	}
	for n, file := range files {
		files[n] = filepath.Base(file)
	}
	return files
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	address, names := storagetest.Empty(t), migrationNames(t)
	last := len(names) - 1
	lines := func(format string, names []string) (all []string) {
		for _, name := range names {
			all = append(all, fmt.Sprintf(format, name))
		}
		return all
	}
	allApplied := lines("applied %s", names)
	// Each step finds what the last one left.
	steps := []struct {
		command string
		want    []string
	}{
		{"status", lines("%s not applied", names)},
		{"down", []string{"nothing to take back"}},
		{"up", allApplied},
		{"up", []string{fmt.Sprintf("nothing to apply: the schema is at version %d", len(names))}},
		{"status", lines("%s TIME", names)},
		{"down", []string{"took back " + names[last]}},
		{"status", append(lines("%s TIME", names[:last]), names[last]+" not applied")},
		{"up", allApplied[last:]},
	}
	for n := last; n >= 0; n-- {
		steps = append(steps, steps[1])
		steps[len(steps)-1].want = []string{"took back " + names[n]}
	}
	steps = append(steps, steps[1], steps[2])
	for n, step := range steps {
		if diff := cmp.Diff(step.want, migrate(t, step.command, address)); diff != "" {
			t.Fatalf("step %d, migrate %s (-want +got):\n%s", n, step.command, diff)
		}
	}
	if got := storagetest.Rows(t, address, "SELECT count(*) FROM cas.documents"); got[0][0] != "0" {
		t.Errorf("%s documents, want an empty table", got[0][0])
	}
}

// Workers that are deployed together migrate together.
func TestMigrate_SeveralAtOnce(t *testing.T) {
	t.Parallel()
	address := storagetest.Empty(t)
	outs := make([]string, 3)
	var group sync.WaitGroup
	for n := range outs {
		group.Go(func() {
			r := run(t, "migrate", "up", "--database-url", address)
			if r.code != 0 {
				t.Errorf("exit code %d, told %q, want 0", r.code, r.told)
			}
			outs[n] = r.stdout
		})
	}
	group.Wait()
	for _, name := range migrationNames(t) {
		if got := strings.Count(strings.Join(outs, ""), "applied "+name); got != 1 {
			t.Errorf("%s was applied %d times, want once", name, got)
		}
	}
}

func TestMigrate_Faults(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"up", "down", "status"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			run(t, "migrate", command).wantFaults(t, 2, "DATABASE_URL (--database-url): not set; give it as postgres://")
			run(t, "migrate", command, "--database-url", "mysql://u:hush@h/d").
				wantFaults(t, 2, "DATABASE_URL (--database-url): is not a Postgres URL; expected postgres://")
			r := run(t, "migrate", command, "--database-url", "postgres://u:hush@127.0.0.1:1/d?sslmode=disable")
			if r.code != 1 || len(r.told) == 0 || !strings.Contains(r.told[0], "DATABASE_URL") {
				t.Errorf("exit code %d, told %q, want 1 and DATABASE_URL", r.code, r.told)
			}
		})
	}
	run(t, "migrate").wantFaults(t, 2, `expected one of "up", "down", "status"; see worker migrate --help`)
}
