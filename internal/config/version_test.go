package config

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestRevisionOf(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		settings          []debug.BuildSetting
		revision, changed string
	}{
		"Unknown":        {nil, "", ""},
		"Clean":          {[]debug.BuildSetting{{Key: "vcs.revision", Value: "0123"}, {Key: "vcs.modified", Value: "false"}}, "0123", ""},
		"Changed":        {[]debug.BuildSetting{{Key: "vcs.revision", Value: "0123"}, {Key: "vcs.modified", Value: "true"}}, "0123", "-dirty"},
		"ChangedUnknown": {[]debug.BuildSetting{{Key: "vcs.modified", Value: "true"}}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if revision, changed := revisionOf(test.settings); revision != test.revision || changed != test.changed {
				t.Errorf("revision = %q %q, want %q %q", revision, changed, test.revision, test.changed)
			}
		})
	}
}

func TestVersion_IsNeverEmpty(t *testing.T) {
	t.Parallel()
	if got := Version(); got == "" || strings.TrimSpace(got) != got {
		t.Errorf("Version = %q, want a word", got)
	}
}
