package casapi_test

import (
	"strings"
	"testing"

	"casflow/internal/casapi"
)

// reading is what a reader of a Value should make of it.
type reading struct {
	name string
	in   casapi.Value
	want string
	bad  bool // unreadable
}

// unknown are the forms of what a statement does not tell. No reader takes any
// of them for a fault.
func unknown() []reading {
	return []reading{
		{name: "Absent"},
		{name: "Null", in: `null`},
		{name: "EmptyString", in: `""`},
		{name: "EmptyArray", in: `[]`},
		{name: "SpacedArray", in: "[ \n]"},
		{name: "EmptyObject", in: `{}`},
		{name: "SpacedObject", in: "{\t}"},
	}
}

// wrongKinds are read by no reader.
func wrongKinds() []reading {
	return []reading{
		{name: "Array", in: `[1]`, bad: true},
		{name: "Object", in: `{"a":1}`, bad: true},
		{name: "NotJSON", in: `nonsense`, bad: true},
		{name: "OpenString", in: `"1`, bad: true},
		{name: "LoneQuote", in: `"`, bad: true},
		{name: "QuoteInside", in: `"1"2"`, bad: true},
		{name: "BadEscape", in: `"\x"`, bad: true},
	}
}

func assertReadings(t *testing.T, read func(casapi.Value) (string, bool), readings ...[]reading) {
	t.Helper()
	for _, some := range readings {
		for _, test := range some {
			t.Run(test.name, func(t *testing.T) {
				t.Parallel()
				got, ok := read(test.in)
				if got != test.want || ok == test.bad {
					t.Errorf("%s: got %q, %t, want %q, %t", test.in, got, ok, test.want, !test.bad)
				}
			})
		}
	}
}

func TestValue_Decimal(t *testing.T) {
	t.Parallel()
	digits := strings.Repeat("1234567890", 100)
	assertReadings(t, casapi.Value.Decimal, unknown(), wrongKinds(), []reading{
		// JSON numbers keep each digit.
		{name: "Integer", in: `12`, want: "12"},
		{name: "Zero", in: `0`, want: "0"},
		{name: "NegativeZero", in: `-0`, want: "-0"},
		{name: "TrailingZero", in: `0.10`, want: "0.10"},
		{name: "FloatNoise", in: `1234.5599999999999`, want: "1234.5599999999999"},
		{name: "MoreThanADouble", in: `12345678901234567890.12345678901234567890`, want: "12345678901234567890.12345678901234567890"},
		{name: "Tiny", in: `1e-7`, want: "1e-7"},
		{name: "TinyCapital", in: `-1.5E-07`, want: "-1.5e-07"},
		{name: "PlusExponent", in: `1e+3`, want: "1e+3"},
		{name: "FarExponent", in: `1e400`, want: "1e400"},
		{name: "TooFarExponent", in: `1e401`, bad: true},
		{name: "TooNearExponent", in: `1e-401`, bad: true},
		{name: "AbsurdExponent", in: `1e99999999999999999999`, bad: true},
		{name: "Long", in: casapi.Value(digits), want: digits},
		{name: "TooLong", in: casapi.Value(digits + "1"), bad: true},
		{name: "TooLongString", in: casapi.Value(`"` + digits + `1"`), bad: true},
		// Numbers as strings.
		{name: "String", in: `"12.50"`, want: "12.50"},
		{name: "StringExponent", in: `"1E-7"`, want: "1e-7"},
		{name: "Spaces", in: `" 12.5\u00a0"`, want: "12.5"},
		{name: "OnlySpaces", in: `"  "`},
		{name: "EscapedDigits", in: `"\u0031\u0032"`, want: "12"},
		{name: "Plus", in: `"+5"`, want: "5"},
		{name: "Minus", in: `"- 5"`, want: "-5"},
		{name: "LeadingZeros", in: `"007"`, want: "007"},
		{name: "NoWhole", in: `".5"`, want: "0.5"},
		{name: "NoFraction", in: `"5."`, bad: true},
		{name: "Rupee", in: `"₹ 1,23,456.78"`, want: "123456.78"},
		{name: "RupeeNegative", in: `"-₹5"`, want: "-5"},
		{name: "NegativeRupee", in: `"₹ -5"`, want: "-5"},
		{name: "INR", in: `"inr 5"`, want: "5"},
		{name: "Rs", in: `"Rs. 5"`, want: "5"},
		{name: "RsNoPoint", in: `"RS 5.5"`, want: "5.5"},
		{name: "CurrencyAlone", in: `"Rs."`, bad: true},
		{name: "TwoSigns", in: `"--5"`, bad: true},
		{name: "TwoSignsAndCurrency", in: `"-₹-5"`, bad: true},
		// Grouping.
		{name: "Indian", in: `"1,23,456.78"`, want: "123456.78"},
		{name: "Crores", in: `"12,34,56,789"`, want: "123456789"},
		{name: "Western", in: `"1,234,567.80"`, want: "1234567.80"},
		{name: "Thousands", in: `"-12,345.60"`, want: "-12345.60"},
		{name: "GroupedExponent", in: `"1,000e2"`, want: "1000e2"},
		{name: "DecimalComma", in: `"1,5"`, bad: true},
		{name: "DecimalCommaTwo", in: `"1,50"`, bad: true},
		{name: "Continental", in: `"1.234,56"`, bad: true},
		{name: "GroupOfOne", in: `"1,2,345"`, bad: true},
		{name: "GroupOfFour", in: `"1234,567"`, bad: true},
		{name: "LeadingComma", in: `",123"`, bad: true},
		{name: "TrailingComma", in: `"123,"`, bad: true},
		{name: "DoubleComma", in: `"1,,234"`, bad: true},
		{name: "SpaceGroups", in: `"1 234"`, bad: true},
		// What a guess would get wrong.
		{name: "True", in: `true`, bad: true},
		{name: "Percent", in: `"12.5%"`, bad: true},
		{name: "Parentheses", in: `"(12.50)"`, bad: true},
		{name: "Credit", in: `"12.50 CR"`, bad: true},
		{name: "NA", in: `"N/A"`, bad: true},
		{name: "Dash", in: `"-"`, bad: true},
		{name: "Point", in: `"."`, bad: true},
		{name: "TwoPoints", in: `"1.2.3"`, bad: true},
		{name: "Hex", in: `"0x1F"`, bad: true},
		{name: "Underscores", in: `"1_000"`, bad: true},
		{name: "NaN", in: `"NaN"`, bad: true},
		{name: "Infinity", in: `"-Infinity"`, bad: true},
		{name: "NoExponent", in: `"1e"`, bad: true},
		{name: "NoMantissa", in: `"e5"`, bad: true},
		{name: "OtherDigits", in: `"१२"`, bad: true},
		{name: "NUL", in: `"1\u00002"`, bad: true},
	})
}

func TestValue_Text(t *testing.T) {
	t.Parallel()
	assertReadings(t, casapi.Value.Text, unknown(), wrongKinds(), []reading{
		{name: "Plain", in: `"Zed Example"`, want: "Zed Example"},
		{name: "SpacesStay", in: `" a "`, want: " a "},
		{name: "Escapes", in: `"a\"b\\c\/\n\u20b9\ud83d\ude00"`, want: "a\"b\\c/\n₹😀"},
		{name: "Unescaped", in: `"₹ ज़ेड"`, want: "₹ ज़ेड"},
		{name: "Number", in: `7.10`, want: "7.10"},
		{name: "LongID", in: `123456789012345678901`, want: "123456789012345678901"},
		{name: "Negative", in: `-1e5`, want: "-1e5"},
		{name: "True", in: `true`, want: "true"},
		{name: "False", in: `false`, want: "false"},
		{name: "WordNull", in: `"null"`, want: "null"},
		{name: "NUL", in: `"a\u0000b"`, want: "a\ufffdb"},
		{name: "HalfSurrogate", in: `"a\ud800b"`, want: "a\ufffdb"},
		{name: "InvalidUTF8", in: "\"a\xffb\"", want: "a\ufffdb"},
	})
}

func TestValue_Bool(t *testing.T) {
	t.Parallel()
	assertReadings(t, casapi.Value.Bool, unknown(), wrongKinds(), []reading{
		{name: "True", in: `true`, want: "true"},
		{name: "False", in: `false`, want: "false"},
		{name: "Words", in: `" TRUE "`, want: "true"},
		{name: "Python", in: `"False"`, want: "false"},
		{name: "Blank", in: `" "`},
		{name: "One", in: `1`, bad: true},
		{name: "Yes", in: `"Yes"`, bad: true},
		{name: "Letter", in: `"t"`, bad: true},
	})
}

func TestValue_Known(t *testing.T) {
	t.Parallel()
	for _, test := range unknown() {
		if test.in.Known() {
			t.Errorf("%s: %q counts as known", test.name, test.in)
		}
	}
	for _, in := range []casapi.Value{`0`, `false`, `" "`, `"null"`, `[null]`, `[[]]`, `{"a":null}`, `nonsense`} {
		if !in.Known() {
			t.Errorf("%q counts as unknown", in)
		}
	}
}

func TestValue_IsText(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		in   casapi.Value
		text string
		want bool
	}{
		{`"a"`, "a", true},
		{`""`, "", true},
		{`"\u20b9"`, "₹", true},
		{`"a\\b"`, `a\b`, true},
		{`"a\\b"`, `a\\b`, false},
		{`"a"`, "b", false},
		{`"\ud800"`, "\ufffd", false},
		{`"\u0000"`, "\ufffd", false},
		{`" a"`, "a", false},
		{`5`, "5", false},
		{`null`, "", false},
		{``, "", false},
		{`"`, "", false},
	} {
		if got := test.in.IsText(test.text); got != test.want {
			t.Errorf("%s.IsText(%q) = %t, want %t", test.in, test.text, got, test.want)
		}
	}
}
