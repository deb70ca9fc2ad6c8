package config

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// reader reads values for kong, from arguments, environment and defaults. Where
// kong would stop at the first value that cannot be read, the reader notes it
// and lets the default stand in.
type reader struct {
	lookup func(variable string) (string, bool)
	faults []error
	noted  map[string]bool // texts of faults
}

// take puts the reader between kong and every value below node. The environment
// becomes the reader's: kong would take an empty variable for a value.
func (r *reader) take(node *kong.Node) {
	for _, flag := range node.Flags {
		flag.Mapper = tolerant{flag.Mapper, r}
		flag.Tag.Envs = nil // flag.Envs remains
	}
	for _, positional := range node.Positional {
		positional.Mapper = tolerant{positional.Mapper, r}
	}
	for _, child := range node.Children {
		r.take(child)
	}
}

// resolve is a kong.ResolverFunc: the environment's value for a flag, or that of the
// file which the environment names.
func (r *reader) resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, variable := range flag.Envs {
		if text, _ := r.lookup(variable); strings.TrimSpace(text) != "" {
			return strings.TrimSpace(text), nil
		}
	}
	path, _ := r.lookup(fileVariable(flag.Value))
	if path = strings.TrimSpace(path); path == "" {
		return nil, nil
	}
	text, err := readSecretFile(path)
	if err != nil {
		r.noteFault(fmt.Errorf("%s: %w", fileVariable(flag.Value), err))
		return nil, nil
	}
	return text.Reveal(), nil
}

// fileVariable is the variable that may name a file with the value, which keeps a
// password out of the environment; "" where there is none.
func fileVariable(value *kong.Value) string { return value.Tag.Get("file-env") }

// readEnvironment tries the environment's values of those flags that were not
// given as arguments, for the faults in them.
func (r *reader) readEnvironment(command *kong.Context, flags []*kong.Flag) {
	for _, flag := range flags {
		text, _ := r.resolve(command, nil, flag) // never fails
		if text == nil || flag.Set {
			continue
		}
		token := kong.Token{Type: kong.FlagValueToken, Value: text}
		scratch := reflect.New(flag.Target.Type()).Elem()
		_ = flag.Mapper.Decode(&kong.DecodeContext{Value: flag.Value, Scan: kong.ScanFromTokens(token)}, scratch) // notes its faults
	}
}

// note keeps a fault of value, once.
func (r *reader) note(value *kong.Value, format string, args ...any) {
	r.noteFault(fmt.Errorf("%s: "+format, append([]any{sourceOf(value)}, args...)...))
}

func (r *reader) noteFault(err error) {
	if !r.noted[err.Error()] {
		r.noted[err.Error()] = true
		r.faults = append(r.faults, err)
	}
}

// sourceOf names where a value comes from: variable and flag, or the argument.
func sourceOf(value *kong.Value) string {
	if value.Flag == nil || len(value.Flag.Envs) == 0 {
		return value.ShortSummary()
	}
	return fmt.Sprintf("%s (%s)", strings.Join(value.Flag.Envs, ", "), value.ShortSummary())
}

// tolerant is a mapper that does not fail.
type tolerant struct {
	kong.Mapper
	reader *reader
}

// IsBool tells kong that a value may be left out, if it may.
func (t tolerant) IsBool() bool {
	mapper, ok := t.Mapper.(kong.BoolMapper)
	return ok && mapper.IsBool()
}

// Decode reads a value into target. What cannot be read, or is none of the words
// that are allowed, is noted; target then has the default.
func (t tolerant) Decode(ctx *kong.DecodeContext, target reflect.Value) error {
	value, token := ctx.Value, ctx.Scan.Peek()
	if !token.IsValue() && !value.IsBool() {
		t.reader.note(value, "has no value; give it as %s=VALUE", value.ShortSummary())
		return t.useDefault(value, target)
	}
	err := t.Mapper.Decode(ctx, target)
	switch {
	case err != nil:
		t.reader.note(value, "is %s; expected %s", quote(token.String()), expectation(target, err))
	case target.Kind() == reflect.String && strings.Contains(value.Enum, ",") && !value.EnumMap()[target.String()]:
		t.reader.note(value, "is %s; expected %s", quote(token.String()), alternatives(value.EnumSlice()))
	default:
		return nil
	}
	return t.useDefault(value, target)
}

func (t tolerant) useDefault(value *kong.Value, target reflect.Value) error {
	target.SetZero()
	if !value.HasDefault {
		return nil
	}
	token := kong.Token{Type: kong.FlagValueToken, Value: value.Default}
	if err := t.Mapper.Decode(&kong.DecodeContext{Value: value, Scan: kong.ScanFromTokens(token)}, target); err != nil {
		return fmt.Errorf("default of %s: %w", value.ShortSummary(), err)
	}
	return nil
}

// expectation is what a value that could be read into target looks like.
func expectation(target reflect.Value, err error) string {
	switch {
	case target.Type() == reflect.TypeFor[time.Duration]():
		return "a duration with its unit, such as 90s or 10m"
	case target.CanInt(), target.CanUint():
		return "a whole number"
	case target.Kind() == reflect.Bool:
		return "true or false"
	default:
		return "another form: " + err.Error()
	}
}

// alternatives joins words: a, b or c.
func alternatives(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// quote shows a value, the beginning of it if it is long.
func quote(text string) string {
	const most = 80
	if runes := []rune(text); len(runes) > most {
		return fmt.Sprintf("%q...", string(runes[:most]))
	}
	return fmt.Sprintf("%q", text)
}

// groupFaults asks a command what makes no sense in it, or else each group of
// settings that is embedded in it.
func groupFaults(target reflect.Value) []error {
	if target.CanAddr() && target.Addr().CanInterface() {
		if asked, ok := reflect.TypeAssert[interface{ Faults() error }](target.Addr()); ok {
			return []error{asked.Faults()}
		}
	}
	var faults []error
	for field, value := range target.Fields() {
		if _, embedded := field.Tag.Lookup("embed"); value.Kind() == reflect.Struct && (embedded || field.Anonymous) {
			faults = append(faults, groupFaults(value)...)
		}
	}
	return faults
}
