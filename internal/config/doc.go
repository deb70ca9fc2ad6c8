// Package config reads flags and environment into structs. A program embeds the
// groups it needs (Postgres, Redis, S3 ...) in the struct of a command; each
// field is bound to a flag and to the environment variable that operators know.
//
//	var cli struct {
//		Run RunCommand `cmd:"" default:"withargs" help:"..."`
//	}
//	command, err := config.Parse("worker", "...", &cli, args, stdout)
//
// Whatever is wrong is reported at once, not fault by fault: values that cannot
// be read by Parse, values that make no sense by Validate, which asks each group.
package config
