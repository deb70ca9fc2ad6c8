package config

import "runtime/debug"

// version is set by the linker for releases.
var version string

// Version is the version of this program: the release's, else the first twelve
// digits of the revision it was built from, else "dev".
func Version() string {
	if version != "" {
		return version
	}
	if revision, changed := revisionOf(buildSettings()); revision != "" {
		return revision[:min(12, len(revision))] + changed
	}
	return "dev"
}

// Revision is the revision of the source that this program was built from, with
// "-dirty" if the source had been changed since; "" when that is not known.
func Revision() string {
	revision, changed := revisionOf(buildSettings())
	return revision + changed
}

func buildSettings() []debug.BuildSetting {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Settings
	}
	return nil
}

// revisionOf finds the revision, and "-dirty" if it is not the whole truth.
func revisionOf(settings []debug.BuildSetting) (revision, changed string) {
	for _, setting := range settings {
		switch {
		case setting.Key == "vcs.revision":
			revision = setting.Value
		case setting.Key == "vcs.modified" && setting.Value == "true":
			changed = "-dirty"
		}
	}
	if revision == "" {
		return "", ""
	}
	return revision, changed
}
