//go:build ignore

// Licenses lists the modules of SBOMs with their licences, and fails where one has a
// licence that nobody has agreed to:
//
//	go run .ci/licenses.go bin/worker.cdx.json bin/enqueuer.cdx.json
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
)

// agreed are licences that ask for no more than to be named.
var agreed = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSD-Source-Code", "ISC", "MIT"}

// read are the licences of modules in which none is found by its text, as read by a
// human.
var read = map[string]string{
	"github.com/pressly/goose/v3": "MIT",
	"std":                         "BSD-3-Clause",
}

func main() {
	lines, faults := map[string]bool{}, map[string]bool{}
	for _, file := range os.Args[1:] {
		text, err := os.ReadFile(file)
		if err != nil {
			fail(err)
		}
		var sbom struct {
			Components []struct {
				Name, Version string
				Licenses      []struct{ License struct{ ID string } }
			}
		}
		if err := json.Unmarshal(text, &sbom); err != nil {
			fail(fmt.Errorf("%s: %w", file, err))
		}
		for _, c := range sbom.Components {
			license := read[c.Name]
			for _, found := range c.Licenses {
				license = found.License.ID
			}
			lines[fmt.Sprintf("%-70s %-20s %s", c.Name, c.Version, license)] = true
			if !slices.Contains(agreed, license) {
				faults[fmt.Sprintf("%s %s: licence %q is not agreed to (.ci/licenses.go)", c.Name, c.Version, license)] = true
			}
		}
	}
	print := func(to *os.File, set map[string]bool) {
		sorted := make([]string, 0, len(set))
		for line := range set {
			sorted = append(sorted, line)
		}
		slices.Sort(sorted)
		fmt.Fprint(to, strings.Join(append(sorted, ""), "\n"))
	}
	print(os.Stdout, lines)
	print(os.Stderr, faults)
	if len(faults) > 0 || len(lines) == 0 {
		os.Exit(1)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "licenses:", err)
	os.Exit(1)
}
