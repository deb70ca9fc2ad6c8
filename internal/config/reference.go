package config

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Command is a command of a program, as it is documented.
type Command struct {
	Path  string // program and words, such as "enqueuer dead list"
	Usage string // Path, its arguments and [flags]
	Help  string
	Flags []Flag // without --help and --version
}

// Flag is a flag of a command.
type Flag struct {
	Name      string   // without dashes
	Variables []string // of the environment, those that name a file of the value among them
	Default   string   // "" none
	Help      string
}

// Commands describes the commands of a program from the struct that Parse reads into.
func Commands(name string, cli any) ([]Command, error) {
	parser, err := kong.New(cli, kong.Name(name), kong.Writers(io.Discard, io.Discard), kong.Vars{"version": Version()})
	if err != nil {
		return nil, fmt.Errorf("describe the commands of %s: %w", name, err)
	}
	var commands []Command
	for _, leaf := range parser.Model.Leaves(true) {
		c := Command{Path: leaf.FullPath(), Usage: usage(leaf), Help: leaf.Help}
		for _, group := range leaf.AllFlags(true) {
			for _, flag := range group {
				if flag.Name != "help" && flag.Name != "version" {
					c.Flags = append(c.Flags, describeFlag(flag))
				}
			}
		}
		commands = append(commands, c)
	}
	return commands, nil
}

func usage(command *kong.Node) string {
	words := []string{command.FullPath()}
	for _, argument := range command.Positional {
		words = append(words, argument.Summary())
	}
	return strings.Join(append(words, "[flags]"), " ")
}

func describeFlag(flag *kong.Flag) Flag {
	f := Flag{Name: flag.Name, Variables: flag.Envs, Help: flag.Help}
	if variable := fileVariable(flag.Value); variable != "" {
		f.Variables = append(slices.Clip(f.Variables), variable)
	}
	if flag.HasDefault {
		f.Default = flag.Default
	}
	return f
}
