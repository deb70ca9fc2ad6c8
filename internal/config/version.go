package config

import "runtime/debug"

// version and revision are set by the linker: version for releases, revision where
// the source is built without its repository, as in an image.
var version, revision string //nolint:gochecknoglobals // the linker has no other way

// Version is the version of this program: the release's, else the first twelve
// digits of the revision it was built from, else "dev".
func Version() string {
	if version != "" {
		return version
	}
	if of, changed := revisionOf(buildSettings()); of != "" {
		return of[:min(12, len(of))] + changed
	}
	return "dev"
}

// Revision is the revision of the source that this program was built from, with
// "-dirty" if the source had been changed since; "" when that is not known.
func Revision() string {
	if revision != "" {
		return revision
	}
	of, changed := revisionOf(buildSettings())
	return of + changed
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
