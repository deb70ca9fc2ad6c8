package deploy_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSecrets: each command is given the secrets that it reads, and no other.
func TestSecrets(t *testing.T) {
	t.Parallel()
	type given struct {
		files []string
		named map[string]string // files by variable
	}
	all := map[string]given{}
	shared := regexp.MustCompile(`(?m)^(\w+_FILE)=/run/secrets/casflow/(.+)$`).FindAllStringSubmatch(read(t, "kubernetes/settings.env"), -1)
	for file, pod := range podSpecs(t) {
		g := given{named: map[string]string{}}
		for _, variable := range shared {
			g.named[variable[1]] = variable[2]
		}
		for _, variable := range pod.Containers[0].Env {
			if name, secret := strings.CutPrefix(variable.Value, "/run/secrets/casflow/"); secret {
				g.named[variable.Name] = name
			}
		}
		for _, volume := range pod.Volumes {
			if volume.Secret != nil {
				for _, item := range volume.Secret.Items {
					g.files = append(g.files, item.Path)
				}
			}
		}
		all[file] = g
	}
	for file, text := range files(t) {
		if !strings.HasSuffix(file, ".service") {
			continue
		}
		g := given{named: map[string]string{}}
		for _, variable := range regexp.MustCompile(`(?m)^Environment=(\w+_FILE)=%d/(.+)$`).FindAllStringSubmatch(text, -1) {
			g.named[variable[1]] = variable[2]
		}
		for _, credential := range regexp.MustCompile(`(?m)^LoadCredential=(.+?):`).FindAllStringSubmatch(text, -1) {
			g.files = append(g.files, credential[1])
		}
		all[file] = g
	}
	if len(all) != 7 {
		t.Fatalf("%d that are given secrets", len(all))
	}
	lines := commandLines(t)
	for where, g := range all {
		page, _ := help(t, strings.TrimPrefix(lines[where][0], "/"), lines[where][1:]...)
		var reads []string
		for variable, name := range g.named {
			if strings.Contains(page, "env "+variable) {
				reads = append(reads, name)
			}
		}
		slices.Sort(reads)
		slices.Sort(g.files)
		if diff := cmp.Diff(reads, g.files); diff != "" {
			t.Errorf("%s: secrets (-reads +given):\n%s", where, diff)
		}
	}
}
