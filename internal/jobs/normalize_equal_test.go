package jobs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
)

// asValue reads a JSON text as the value that it means: numbers as decimals, of
// repeated names the last, and whatever means unknown (null, "", [], {} and an
// object of nothing else) as nothing. Two answers are equal if these are.
func asValue(t *testing.T, text []byte) string {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		t.Fatalf("%v: %.300s", err, text)
	}
	var b strings.Builder
	writeValue(&b, v, "")
	return b.String()
}

// writeValue writes a value in one form, a line for each thing that it tells.
func writeValue(b *strings.Builder, v any, path string) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			writeValue(b, v[name], path+"."+fmt.Sprintf("%q", name))
		}
	case []any:
		if len(v) > 0 { // also how many elements there are, known or not
			fmt.Fprintf(b, "%s has %d\n", path, len(v))
		}
		for i, element := range v {
			writeValue(b, element, fmt.Sprintf("%s[%d]", path, i))
		}
	case json.Number:
		fmt.Fprintf(b, "%s = number %s\n", path, oneForm(v.String()))
	case string:
		if v != "" {
			fmt.Fprintf(b, "%s = %q\n", path, v)
		}
	case bool:
		fmt.Fprintf(b, "%s = %t\n", path, v)
	}
}

// oneForm writes a number as its digits and the power of ten behind them, so that
// it does not matter how large that is.
func oneForm(number string) string {
	mantissa, power, _ := strings.Cut(strings.ToLower(number), "e")
	exponent := new(big.Int)
	if power != "" {
		exponent.SetString(strings.TrimPrefix(power, "+"), 10)
	}
	sign := ""
	if rest, negative := strings.CutPrefix(mantissa, "-"); negative {
		sign, mantissa = "-", rest
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	exponent.Sub(exponent, big.NewInt(int64(len(fraction))))
	digits := strings.TrimLeft(whole+fraction, "0")
	short := strings.TrimRight(digits, "0")
	if short == "" {
		return "0"
	}
	exponent.Add(exponent, big.NewInt(int64(len(digits)-len(short))))
	return sign + short + "e" + exponent.String()
}

// lines are what two texts differ in, the first few.
func lines(t *testing.T, want, got string) string {
	t.Helper()
	first, second := strings.Split(want, "\n"), strings.Split(got, "\n")
	var out []string
	for _, line := range first {
		if !slices.Contains(second, line) && len(out) < 10 {
			out = append(out, "- "+line)
		}
	}
	for _, line := range second {
		if !slices.Contains(first, line) && len(out) < 20 {
			out = append(out, "+ "+line)
		}
	}
	return strings.Join(out, "\n")
}

// assertRebuilt checks that a rebuilt answer equals the one that came.
func assertRebuilt(t *testing.T, came, rebuilt []byte) {
	t.Helper()
	want, got := asValue(t, came), asValue(t, rebuilt)
	if want != got {
		t.Errorf("the rebuilt answer differs (-came +rebuilt):\n%.3000s", lines(t, want, got))
	}
}

func TestNormalize_RebuiltFromRows(t *testing.T) {
	t.Parallel()
	for name := range goldens {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body, statement := golden(t, name)
			rebuilt, err := statement.Answer()
			if err != nil {
				t.Fatal(err)
			}
			assertRebuilt(t, body, rebuilt)
		})
	}
}
