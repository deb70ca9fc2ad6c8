package config

import "runtime/debug"

// version is set by the linker for releases.
var version string //nolint:gochecknoglobals // the linker can only set a global

// Version is the version of this program: the release's, else the revision it
// was built from, else "dev".
func Version() string {
	if version != "" {
		return version
	}
	if revision := Revision(); revision != "" {
		return revision[:min(12, len(revision))]
	}
	return "dev"
}

// Revision is the revision of the source that this program was built from, ""
// when that is not known.
func Revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return setting.Value
		}
	}
	return ""
}
