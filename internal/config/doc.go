// Package config reads flags and environment into structs. A program embeds the
// groups it needs (Postgres, Redis, S3 ...) in the struct of a command; each
// field is bound to a flag and to the environment variable that operators know.
//
//	var cli struct {
//		Run RunCommand `cmd:"" default:"withargs" help:"..."`
//	}
//	command, err := config.Parse("worker", "...", &cli, args, stdout)
//
// A flag goes before its variable, the variable before the default. A variable
// that is empty or blank counts as unset, as ${WINDOW:-} in a compose file makes
// it; space around a value is dropped, as files mounted for a container end in a
// newline.
//
// Whatever is wrong is reported at once, not fault by fault, each in a line that
// names variable and flag, the value unless it is secret, and what to do. Values
// that make no sense are found by the Faults method of their group, which the
// command asks through Validate. Where Parse already has something to report, it
// asks the groups of the chosen command too, or the command itself if that has a
// Faults method, because not all its groups are always needed.
package config
