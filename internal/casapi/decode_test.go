package casapi_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/casapi"
)

func TestDecodeStatement(t *testing.T) {
	t.Parallel()
	meta := func(extra casapi.Extra) casapi.Statement {
		return casapi.Statement{Meta: casapi.Meta{CASType: `"NSDL"`}, Extra: extra}
	}
	tests := []struct {
		name, body string
		want       casapi.Statement
	}{
		{name: "EmptyObject", body: `{"meta":{}}`},
		{name: "EmptyArray", body: ` {"nps" : [ ] } `},
		{name: "NullBeside", body: `{"meta":{},"investor":null,"mutual_funds":null}`},
		{name: "StatusBeside", body: `{"status":"success","meta":{"cas_type":"NSDL"}}`, want: meta(casapi.Extra{"status": `"success"`})},
		{name: "OtherCaseIsUnknown", body: `{"meta":{"cas_type":"NSDL"},"Investor":{"pan":1}}`, want: meta(casapi.Extra{"Investor": `{"pan":1}`})},
		{name: "EscapedNames", body: `{"\u006deta":{"cas\u005ftype":"NSDL"}}`, want: meta(nil)},
		{name: "BOM", body: "\ufeff" + `{"meta":{"cas_type":"NSDL"}}`, want: meta(nil)},

		{name: "InData", body: `{"status":"success","msg":null,"data":{"meta":{"cas_type":"NSDL"},"new":1}}`, want: meta(casapi.Extra{"status": `"success"`, "msg": `null`, "new": `1`})},
		{name: "InDataBOM", body: "\ufeff" + `{"data":{"meta":{"cas_type":"NSDL"}},"z":"₹"}`, want: meta(casapi.Extra{"z": `"₹"`})},
		{name: "InDataOwnFirst", body: `{"status":"success","data":{"meta":{"cas_type":"NSDL"},"status":"parsed"}}`, want: meta(casapi.Extra{"status": `"parsed"`})},
		{name: "DataBeside", body: `{"meta":{"cas_type":"NSDL"},"data":{"meta":{"cas_type":"CDSL"}}}`, want: meta(casapi.Extra{"data": `{"meta":{"cas_type":"CDSL"}}`})},
		{name: "DataInData", body: `{"data":{"meta":{"cas_type":"NSDL"},"data":2}}`, want: meta(casapi.Extra{"data": `2`})},

		// Repeated names: values and arrays count once, objects add up.
		{name: "RepeatedValue", body: `{"meta":{"cas_type":"CDSL","cas_type":"NSDL"}}`, want: meta(nil)},
		{name: "RepeatedObject", body: `{"meta":{"cas_type":"CDSL","a":1,"b":1},"meta":{"cas_type":"NSDL","b":2}}`, want: casapi.Statement{Meta: casapi.Meta{CASType: `"NSDL"`, Extra: casapi.Extra{"a": `1`, "b": `2`}}}},
		{name: "RepeatedArray", body: `{"nps":[{"pran":1},{"pran":2}],"nps":[{"pran":3}]}`, want: casapi.Statement{NPS: casapi.List[casapi.NPSAccount]{Items: []casapi.NPSAccount{{PRAN: `3`}}}}},
		{name: "RepeatedArrayUnreadable", body: `{"nps":[{"pran":1}],"nps":"none"}`, want: casapi.Statement{NPS: casapi.List[casapi.NPSAccount]{Unreadable: `"none"`}}},
		{name: "RepeatedUnknown", body: `{"meta":{"cas_type":"NSDL"},"new":1,"new":2}`, want: meta(casapi.Extra{"new": `2`})},

		{name: "NUL", body: `{"meta":{"cas_type":"NSDL"},"a\u0000b":"\u0000"}`, want: meta(casapi.Extra{"a\x00b": `"\u0000"`})},
		{name: "HalfSurrogate", body: `{"meta":{"cas_type":"NSDL"},"a\ud800":"\ud800"}`, want: meta(casapi.Extra{"a\ufffd": `"\ud800"`})},
		{name: "InvalidUTF8", body: "{\"meta\":{\"cas_type\":\"NSDL\"},\"a\xff\":\"\xc3(\"}", want: meta(casapi.Extra{"a\ufffd": "\"\ufffd(\""})},
		{name: "InvalidUTF8InData", body: "{\"a\xff\":\"\xff\xfe\",\"data\":{\"meta\":{\"cas_type\":\"NSDL\"},\"b\":\"\xff\"}}", want: meta(casapi.Extra{"a\ufffd": "\"\ufffd\"", "b": "\"\ufffd\""})},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			body := []byte(test.body)
			got, err := casapi.DecodeStatement(body)
			if err != nil {
				t.Fatal(err)
			}
			clear(body) // the statement must not depend on it
			if diff := cmp.Diff(&test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestDecodeStatement_BadAnswer: there is no statement then, and the error
// quotes nothing of the body, which is somebody's.
func TestDecodeStatement_BadAnswer(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"Empty":            ``,
		"Blank":            " \n",
		"BOMAlone":         "\ufeff",
		"Page":             `<html>ZZZPZ0000Z</html>`,
		"Python":           `{'meta':{'pan':'ZZZPZ0000Z'}}`,
		"TrailingComma":    `{"investor":{"pan":"ZZZPZ0000Z",}}`,
		"NaN":              `{"meta":{"a":NaN}}`,
		"RawNUL":           "{\"meta\":{\"a\":\"\x00\"}}",
		"RawNewline":       "{\"meta\":{\"a\":\"\n\"}}",
		"TwoValues":        unified + unified,
		"Trailing":         unified + `x`,
		"Null":             `null`,
		"Array":            `[` + unified + `]`,
		"String":           `"ZZZPZ0000Z"`,
		"EmptyObject":      `{}`,
		"OtherObject":      `{"contract_note_info":{"pan":"ZZZPZ0000Z"}}`,
		"OtherCase":        `{"Meta":{}}`,
		"Nulls":            `{"meta":null,"investor":null,"mutual_funds":null}`,
		"WrongKindsOnly":   `{"meta":"ZZZPZ0000Z","mutual_funds":{},"nps":{},"summary":[]}`,
		"Failed":           `{"status":"failed","msg":"ZZZPZ0000Z"}`,
		"DataNull":         `{"data":null}`,
		"DataArray":        `{"data":[` + unified + `]}`,
		"DataString":       `{"data":"{\"meta\":{}}"}`,
		"DataOther":        `{"data":{"pan":"ZZZPZ0000Z"}}`,
		"DataInData":       `{"data":{"data":` + unified + `}}`,
		"DataCutOff":       `{"data":` + unified,
		"DeepBeyondLimits": nested(10000),
		"Deepest":          strings.Repeat(`{"meta":`, 1e6),
	}
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assertBadAnswer(t, body)
		})
	}
}

func assertBadAnswer(t *testing.T, body string) {
	t.Helper()
	statement, err := casapi.DecodeStatement([]byte(body))
	if !errors.Is(err, casapi.ErrBadAnswer) || statement != nil {
		t.Fatalf("%.200q: got %+v, %v, want an error that matches %v", body, statement, err, casapi.ErrBadAnswer)
	}
	if text := err.Error(); strings.Contains(text, "ZZZP") || len(text) > 100 {
		t.Errorf("error quotes the body: %s", text)
	}
}

// TestDecodeStatement_CutOff: no beginning of an answer passes for one.
func TestDecodeStatement_CutOff(t *testing.T) {
	t.Parallel()
	body := string(synthetic(1, 1, 1))
	for end := range len(body) {
		assertBadAnswer(t, body[:end])
	}
	if _, err := casapi.DecodeStatement([]byte(body)); err != nil {
		t.Error(err)
	}
}

// nested is a unified response with an unknown member of so many levels.
func nested(levels int) string {
	return `{"meta":{},"deep":` + strings.Repeat("[", levels) + strings.Repeat("]", levels) + `}`
}

// TestDecodeStatement_Deep: 10,000 levels are read and can be stored.
func TestDecodeStatement_Deep(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"AtTop": nested(9999), "InData": `{"data":` + nested(9998) + `}`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			statement, err := casapi.DecodeStatement([]byte(body))
			if err != nil {
				t.Fatal(err)
			}
			got := statement.Extra.Storable()
			if want := len(statement.Extra["deep"]) + len(`{"deep":}`); len(got) != want {
				t.Errorf("got %d bytes, want %d", len(got), want)
			}
			assertStorable(t, got)
		})
	}
}
