package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"
)

// Parse reads args and the environment into cli, a struct that describes the
// commands of a program as kong has it, and returns the chosen command. Help and
// version are written to stdout and end in ErrHelp. Everything that is wrong is
// reported in one error, a line each, which matches ErrUsage.
func Parse(name, description string, cli any, args []string, stdout io.Writer) (*kong.Context, error) {
	return parse(name, description, cli, args, stdout, os.LookupEnv)
}

func parse(name, description string, cli any, args []string, stdout io.Writer, lookup func(string) (string, bool)) (*kong.Context, error) {
	values := &reader{lookup: lookup, noted: make(map[string]bool)}
	var page bytes.Buffer // of help; written once it is complete, so that it can be said when that fails
	helped := false
	parser, err := kong.New(cli,
		kong.Name(name), kong.Description(description), kong.Writers(&page, io.Discard),
		kong.Exit(func(int) { helped = true }), kong.Resolvers(kong.ResolverFunc(values.resolve)),
		kong.ValueFormatter(describeValue), kong.ConfigureHelp(kong.HelpOptions{WrapUpperBound: 100}),
		kong.Vars{"version": Version()},
	)
	if err != nil {
		return nil, fmt.Errorf("describe the commands of %s: %w", name, err)
	}
	values.take(parser.Model.Node)
	command, err := parser.Parse(args)
	if helped {
		if _, err := io.WriteString(stdout, strings.ReplaceAll(page.String(), glue, " ")); err != nil {
			return nil, fmt.Errorf("write help: %w", err)
		}
		return nil, ErrHelp
	}
	if err == nil && len(values.faults) == 0 {
		return command, nil
	}
	return nil, Usage(errors.Join(values.allFaults(parser, command, err)...))
}

// allFaults is everything that is wrong with a command line of which kong found
// err, or of which values could not be read.
func (r *reader) allFaults(parser *kong.Kong, command *kong.Context, err error) []error {
	if stopped, ok := errors.AsType[*kong.ParseError](err); ok {
		command = stopped.Context
	}
	if command == nil {
		return append(r.faults, err)
	}
	chosen := command.Selected()
	if command.Error != nil {
		// Kong gave up in the middle of the arguments, before the environment. What
		// would have followed is not known, so nothing can be said to be missing.
		flags := command.Flags()
		if chosen == nil && parser.Model.DefaultCmd != nil {
			chosen = parser.Model.DefaultCmd
			flags = append(flags, chosen.Flags...)
		}
		r.readEnvironment(command, flags)
	}
	faults := r.faults
	if err != nil {
		faults = append(faults, fmt.Errorf("%w; %s", err, hint(parser.Model.Node, chosen, err)))
	}
	if command.Error == nil && chosen != nil {
		faults = append(faults, groupFaults(chosen.Target)...)
	}
	return faults
}

// hint says where to look what there is. A program that took a word for an
// argument of its default command has not said which commands it knows.
func hint(program, chosen *kong.Node, err error) string {
	if chosen == nil {
		return "see " + program.Name + " --help"
	}
	see := "see " + chosen.FullPath() + " --help"
	if program.DefaultCmd != chosen || !strings.HasPrefix(err.Error(), "unexpected argument") {
		return see
	}
	var commands []string
	for _, command := range program.Children {
		commands = append(commands, command.Name)
	}
	return "commands are " + strings.Join(commands, ", ") + "; " + see
}

// glue stands for a space that lines are not broken at, until help is written.
// Private use: the wrapping in between breaks at Unicode's no-break space.
const glue = "\ue000"

// describeValue is the help of a flag with its environment variable and default.
func describeValue(value *kong.Value) string {
	var notes []string
	if value.Flag != nil {
		for _, variable := range value.Flag.Envs {
			notes = append(notes, "env"+glue+variable)
		}
		if variable := fileVariable(value); variable != "" {
			notes = append(notes, "file"+glue+"of"+glue+"env"+glue+variable)
		}
	}
	if value.HasDefault && value.Default != "" {
		notes = append(notes, "default"+glue+value.Default)
	}
	if len(notes) == 0 {
		return value.Help
	}
	return strings.TrimSuffix(value.Help, ".") + " (" + strings.Join(notes, ", ") + ")."
}
