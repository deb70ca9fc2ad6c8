package casapi_test

import (
	"errors"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"casflow/internal/casapi"
)

// FuzzDecodeStatement is best run with -fuzzminimizetime 10x: making its long
// seeds shorter would take all the time.
func FuzzDecodeStatement(f *testing.F) {
	f.Add(synthetic(1, 1, 1))
	f.Add([]byte(draw("", "").json.String()))
	for _, body := range []string{
		unified, `{"status":"success","data":` + unified + `,"data":5}`, `{"meta":{},"meta":5,"meta":null,"meta":{"":1}}`,
		`{"nps":[null,5,{"funds":"x"},[]],"nps":{}}`, "\ufeff{\"meta\":{\"a\xff\":\"\\ud800\\u0000\"}}", nested(20),
		`{"meta":{},"a":1e999,"a\u0000":[-0,"\u0000"],"a\ufffd":2}`, `{"investor":{"name":"Zed"`,
		`{"status":{"meta":{"a":1,"a":[{"b":1,"b":2}]}},"msg":1,"msg":2}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		statement, err := casapi.DecodeStatement(body)
		if err != nil {
			if !errors.Is(err, casapi.ErrBadAnswer) || statement != nil {
				t.Errorf("got %+v, %v", statement, err)
			}
			// Decoding may fail only for what the first look already found.
			if strings.HasSuffix(err.Error(), "unreadable") || strings.Contains(err.Error(), "at byte") || strings.Contains(err.Error(), "repeated") {
				t.Errorf("is JSON in the unified shape, but: %v", err)
			}
			return
		}
		flat := map[string]string{}
		flatten(reflect.ValueOf(*statement), "", flat)
		for path, raw := range flat {
			if !jsontext.Value(raw).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
				t.Errorf("%s holds no JSON value: %q", path, raw)
			}
			if text, ok := casapi.Value(raw).Text(); strings.ContainsRune(text, 0) || !ok && text != "" {
				t.Errorf("%s: got text %q, %t", path, text, ok)
			}
		}
	})
}

// FuzzValue_Decimal: what is accepted is a number, and the one that came.
func FuzzValue_Decimal(f *testing.F) {
	for _, in := range []string{
		`0`, `-0.10`, `12345678901234567890.5`, `1e-7`, `1E+400`, `1e401`, `"1,23,456.78"`, `"1,234,567.8"`, `"₹ -5"`,
		`"Rs. 1,000e2"`, `"-INR 7"`, `"+.5"`, `" 5 "`, `"1,5"`, `"\u0031"`, `null`, `true`, `[1]`, `"12.5%"`, `"٣"`,
	} {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got, ok := casapi.Value(in).Decimal()
		if !ok || got == "" {
			if got != "" {
				t.Errorf("%q: got %q besides false", in, got)
			}
			return
		}
		number, parsed := new(big.Rat).SetString(got)
		if !parsed || strings.Trim(got, "-+.e0123456789") != "" || len(got) > 1001 {
			t.Fatalf("%q: got %q, which is no decimal number", in, got)
		}
		text, _ := casapi.Value(in).Text()
		// A whole part that was left out is written as 0; nothing else is new.
		if came, kept := digitsOf(text), digitsOf(got); kept != came && kept != "0"+came {
			t.Errorf("%q: got %q, want the digits %q", in, got, came)
		}
		if negative := strings.HasPrefix(got, "-"); negative != strings.Contains(strings.SplitN(strings.ToLower(text), "e", 2)[0], "-") {
			t.Errorf("%q: got %q, the sign is lost", in, got)
		}
		if number.Sign() != 0 && (number.Sign() < 0) != strings.HasPrefix(got, "-") {
			t.Errorf("%q: got %q, which is %s", in, got, number)
		}
		if again, ok := casapi.Value(got).Decimal(); !ok || again != got {
			t.Errorf("%q: got %q, which reads as %q, %t", in, got, again, ok)
		}
	})
}

func digitsOf(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, text)
}
