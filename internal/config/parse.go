package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"
)

// Parse reads args and the environment into cli, a struct that describes the
// commands of a program as kong has it, and returns the chosen command. Help is
// written to stdout and ends in ErrHelp. Every value that cannot be read is
// reported in one error, which matches ErrUsage.
func Parse(name, description string, cli any, args []string, stdout io.Writer) (*kong.Context, error) {
	helped := false
	parser, err := kong.New(cli,
		kong.Name(name), kong.Description(description), kong.Writers(stdout, io.Discard),
		kong.Exit(func(int) { helped = true }),
		kong.ValueFormatter(describeValue),
		kong.ConfigureHelp(kong.HelpOptions{WrapUpperBound: 100}),
		kong.Vars{"version": Version()},
	)
	if err != nil {
		return nil, fmt.Errorf("describe the commands of %s: %w", name, err)
	}
	command, err := parser.Parse(args)
	switch {
	case helped:
		return nil, ErrHelp
	case err == nil:
		return command, nil
	}
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil {
		if faults := unreadable(parse.Context, args); len(faults) > 0 {
			return nil, Usage(errors.Join(faults...))
		}
	}
	return nil, Usage(fmt.Errorf("%w; see %s --help", err, name))
}

// describeValue is the help of a flag with its environment variable and default.
func describeValue(value *kong.Value) string {
	var notes []string
	for _, variable := range value.Tag.Envs {
		notes = append(notes, "env "+variable)
	}
	if value.HasDefault && value.Default != "" {
		notes = append(notes, "default "+value.Default)
	}
	if len(notes) == 0 {
		return value.Help
	}
	return strings.TrimSuffix(value.Help, ".") + " (" + strings.Join(notes, ", ") + ")."
}

// unreadable tries every flag of the chosen command anew, because the parser
// stops at the first that fails.
func unreadable(ctx *kong.Context, args []string) []error {
	var faults []error
	for _, flag := range ctx.Flags() {
		for _, variable := range flag.Tag.Envs {
			if text, set := os.LookupEnv(variable); set {
				faults = appendFault(faults, variable, flag, text)
			}
		}
		for i, arg := range args {
			if arg == "--" {
				break
			}
			name, text, given := strings.Cut(arg, "=")
			if name != "--"+flag.Name || flag.IsBool() && !given {
				continue
			}
			if !given && i+1 < len(args) {
				text = args[i+1]
			}
			faults = appendFault(faults, "--"+flag.Name, flag, text)
		}
	}
	return faults
}

func appendFault(faults []error, source string, flag *kong.Flag, text string) []error {
	target := reflect.New(flag.Target.Type()).Elem()
	err := flag.Mapper.Decode(&kong.DecodeContext{Value: flag.Value, Scan: kong.ScanFromTokens(kong.Token{Type: kong.FlagValueToken, Value: text})}, target)
	if err != nil {
		return append(faults, fmt.Errorf("%s: %w", source, err))
	}
	if flag.Enum == "" {
		return faults
	}
	for allowed := range strings.SplitSeq(flag.Enum, ",") {
		if strings.TrimSpace(allowed) == text {
			return faults
		}
	}
	return append(faults, fmt.Errorf("%s: must be one of %s, got %q", source, strings.ReplaceAll(flag.Enum, ",", ", "), text))
}

// fault is one line about a setting: its variable and flag, and what to do.
func fault(variable, flag, format string, args ...any) error {
	return fmt.Errorf("%s (--%s): %s", variable, flag, fmt.Sprintf(format, args...))
}
