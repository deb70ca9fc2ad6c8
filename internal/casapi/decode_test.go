package casapi_test

import (
	"errors"
	"net/http"
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
	in := func(member string, extra, beside casapi.Extra) casapi.Statement {
		statement := meta(extra)
		statement.Wrapper = casapi.Wrapper{In: member, Beside: beside}
		return statement
	}
	repeated := func(statement casapi.Statement, pairs ...string) casapi.Statement {
		for i := 0; i < len(pairs); i += 2 {
			statement.Repeated = append(statement.Repeated, casapi.Repeated{Path: pairs[i], Value: casapi.Value(pairs[i+1])})
		}
		return statement
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

		{name: "InData", body: `{"status":"success","msg":null,"data":{"meta":{"cas_type":"NSDL"},"new":1}}`, want: in("data", casapi.Extra{"new": `1`}, casapi.Extra{"status": `"success"`, "msg": `null`})},
		{name: "InStatus", body: `{"status":{"meta":{"cas_type":"NSDL"}},"msg":"fine"}`, want: in("status", nil, casapi.Extra{"msg": `"fine"`})},
		{name: "InDataNotStatus", body: `{"status":{"code":7},"data":{"meta":{"cas_type":"NSDL"}}}`, want: in("data", nil, casapi.Extra{"status": `{"code":7}`})},
		{name: "InDataBeforeStatus", body: `{"data":{"meta":{"cas_type":"NSDL"}},"status":{"code":7}}`, want: in("data", nil, casapi.Extra{"status": `{"code":7}`})},
		{name: "InDataBOM", body: "\ufeff" + `{"data":{"meta":{"cas_type":"NSDL"}},"z":"₹"}`, want: in("data", nil, casapi.Extra{"z": `"₹"`})},
		{name: "InDataSameName", body: `{"status":"success","data":{"meta":{"cas_type":"NSDL"},"status":"parsed"}}`, want: in("data", casapi.Extra{"status": `"parsed"`}, casapi.Extra{"status": `"success"`})},
		{name: "DataBeside", body: `{"meta":{"cas_type":"NSDL"},"data":{"meta":{"cas_type":"CDSL"}}}`, want: meta(casapi.Extra{"data": `{"meta":{"cas_type":"CDSL"}}`})},
		{name: "DataInData", body: `{"data":{"meta":{"cas_type":"NSDL"},"data":2}}`, want: in("data", casapi.Extra{"data": `2`}, casapi.Extra{})},

		// Repeated names: the last one counts.
		{name: "RepeatedValue", body: `{"meta":{"cas_type":"CDSL" , "cas_type":"NSDL"}}`, want: repeated(meta(nil), "/meta/cas_type", `"CDSL"`)},
		{name: "RepeatedThrice", body: `{"new":[1,{}], "new":2 ,"meta":{"cas_type":"NSDL"},"new":3}`, want: repeated(meta(casapi.Extra{"new": `3`}), "/new", `[1,{}]`, "/new", `2`)},
		{name: "RepeatedObject", body: `{"meta":{"cas_type":"CDSL","a":1},"meta":{"cas_type":"NSDL"}}`, want: repeated(meta(nil), "/meta", `{"cas_type":"CDSL","a":1}`)},
		{name: "RepeatedArray", body: `{"nps":[{"pran":1},{"pran":2}],"nps":[{"pran":3}]}`, want: repeated(casapi.Statement{NPS: casapi.List[casapi.NPSAccount]{Items: []casapi.NPSAccount{{PRAN: `3`}}}}, "/nps", `[{"pran":1},{"pran":2}]`)},
		{name: "RepeatedDeep", body: `{"meta":{"cas_type":"NSDL"},"new":[0,{"a~/b":1,"c":0,"a~/b":2}]}`, want: repeated(meta(casapi.Extra{"new": `[0,{"c":0,"a~/b":2}]`}), "/new/1/a~0~1b", `1`)},
		{name: "RepeatedInRepeated", body: `{"meta":{"cas_type":"NSDL","a":{"b":1,"b":2},"a":{"b":3,"b":4}}}`, want: repeated(casapi.Statement{Meta: casapi.Meta{CASType: `"NSDL"`, Extra: casapi.Extra{"a": `{"b":4}`}}}, "/meta/a", `{"b":1,"b":2}`, "/meta/a/b", `3`)},
		{name: "RepeatedEscaped", body: `{"meta":{"cas_type":"CDSL","cas\u005ftype":"NSDL"}}`, want: repeated(meta(nil), "/meta/cas_type", `"CDSL"`)},
		{name: "RepeatedBesideData", body: `{"msg":1,"data":{"meta":{"cas_type":"NSDL"}},"msg":2}`, want: repeated(in("data", nil, casapi.Extra{"msg": `2`}), "/msg", `1`)},
		{name: "RepeatedData", body: `{"data":5,"data":{"meta":{"cas_type":"NSDL"}}}`, want: repeated(in("data", nil, casapi.Extra{}), "/data", `5`)},

		{name: "Nulls", body: `{"nps":[null,{"pran":1},null,{"pran":2},null]}`, want: casapi.Statement{NPS: casapi.List[casapi.NPSAccount]{Items: []casapi.NPSAccount{{PRAN: `1`}, {PRAN: `2`}}, Nulls: []int{0, 2, 4}}}},
		{name: "EmptyName", body: `{"meta":{"cas_type":"NSDL","":1}}`, want: casapi.Statement{Meta: casapi.Meta{CASType: `"NSDL"`, Extra: casapi.Extra{"": `1`}}}},
		{name: "MisplacedObject", body: `{"meta":5,"nps":[]}`, want: casapi.Statement{Meta: casapi.Meta{Extra: casapi.Extra{casapi.Misplaced: `5`}}}},

		{name: "NUL", body: `{"meta":{"cas_type":"NSDL"},"a\u0000b":"\u0000"}`, want: meta(casapi.Extra{"a\x00b": `"\u0000"`})},
		{name: "HalfSurrogate", body: `{"meta":{"cas_type":"NSDL"},"a\ud800":"\ud800"}`, want: meta(casapi.Extra{"a\ufffd": `"\ud800"`})},
		{name: "InvalidUTF8", body: "{\"meta\":{\"cas_type\":\"NSDL\"},\"a\xff\":\"\xc3(\"}", want: meta(casapi.Extra{"a\ufffd": "\"\ufffd(\""})},
		{name: "InvalidUTF8InData", body: "{\"a\xff\":\"\xff\xfe\",\"data\":{\"meta\":{\"cas_type\":\"NSDL\"},\"b\":\"\xff\"}}", want: in("data", casapi.Extra{"b": "\"\ufffd\""}, casapi.Extra{"a\ufffd": "\"\ufffd\ufffd\""})},
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

// TestDecodeStatement_BadAnswer: there is no statement then, and the error says
// why, but quotes nothing of the body, which is somebody's.
func TestDecodeStatement_BadAnswer(t *testing.T) {
	t.Parallel()
	const (
		notJSON = "not JSON, or cut off"
		tooDeep = "nested deeper than 10000 levels"
		noMeta  = "meta: expected object, got nothing"
	)
	tests := map[string]struct{ body, why string }{
		"Empty":             {``, notJSON},
		"Blank":             {" \n", notJSON},
		"BOMAlone":          {"\ufeff", notJSON},
		"Page":              {`<html>ZZZPZ0000Z</html>`, notJSON},
		"Python":            {`{'meta':{'pan':'ZZZPZ0000Z'}}`, notJSON},
		"TrailingComma":     {`{"investor":{"pan":"ZZZPZ0000Z",}}`, notJSON},
		"NaN":               {`{"meta":{"a":NaN}}`, notJSON},
		"RawNUL":            {"{\"meta\":{\"a\":\"\x00\"}}", notJSON},
		"RawNewline":        {"{\"meta\":{\"a\":\"\n\"}}", notJSON},
		"TwoValues":         {unified + unified, notJSON},
		"Trailing":          {unified + `x`, notJSON},
		"Null":              {`null`, "expected object, got null"},
		"Array":             {` [` + unified + `]`, "expected object, got array"},
		"String":            {`"ZZZPZ0000Z"`, "expected object, got string"},
		"EmptyObject":       {`{}`, noMeta},
		"OtherObject":       {`{"contract_note_info":{"pan":"ZZZPZ0000Z"}}`, noMeta},
		"OtherCase":         {`{"Meta":{}}`, noMeta},
		"Nulls":             {`{"investor":null,"meta":null,"mutual_funds":null}`, "meta: expected object, got null"},
		"WrongKindsOnly":    {`{"mutual_funds":{},"nps":{},"summary":[]}`, "summary: expected object, got array"},
		"WrongArray":        {`{"demat_accounts":"ZZZPZ0000Z"}`, "demat_accounts: expected array, got string"},
		"WrongNumber":       {`{"nps":5}`, "nps: expected array, got number"},
		"WrongBoolean":      {`{"insurance":false}`, "insurance: expected object, got boolean"},
		"Failed":            {`{"status":"failed","msg":"ZZZPZ0000Z"}`, noMeta},
		"DataNull":          {`{"data":null}`, noMeta},
		"DataArray":         {`{"data":[` + unified + `]}`, noMeta},
		"DataString":        {`{"data":"{\"meta\":{}}"}`, noMeta},
		"DataOther":         {`{"data":{"pan":"ZZZPZ0000Z"}}`, "data." + noMeta},
		"DataWrong":         {`{"data":{"meta":["ZZZPZ0000Z"]}}`, "data.meta: expected object, got array"},
		"DataInData":        {`{"data":{"data":` + unified + `}}`, "data." + noMeta},
		"DataCutOff":        {`{"data":` + unified, notJSON},
		"RepeatedUnified":   {`{"meta":{"a":1},"meta":5}`, "meta: expected object, got number"},
		"DeepBeyondLimits":  {nested(10000), tooDeep},
		"Deepest":           {strings.Repeat(`{"meta":`, 1e6), tooDeep},
		"BracketsInAString": {`{"meta":"` + strings.Repeat(`[\"`, 20000), notJSON},
		"TooMany":           {`{"nps":[` + strings.Repeat(`{},`, 1.5e6) + `{}]}`, "more objects and lists than can be held in memory"},
		"TooManyNulls":      {`{"nps":[` + strings.Repeat(`null,`, 1.1e6) + `{}]}`, "more objects and lists than can be held in memory"},
		"TooManyRepeats":    {`{"meta":{` + strings.Repeat(`"a":1,`, 1e6) + `"a":1}}`, "more objects and lists than can be held in memory"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := assertBadAnswer(t, test.body)
			if !strings.HasSuffix(err.Error(), ": "+test.why) {
				t.Errorf("got %v, want the reason %q", err, test.why)
			}
		})
	}
}

func assertBadAnswer(t *testing.T, body string) error {
	t.Helper()
	statement, err := casapi.DecodeStatement([]byte(body))
	if !errors.Is(err, casapi.ErrBadAnswer) || statement != nil {
		t.Fatalf("%.200q: got %+v, %v, want an error that matches %v", body, statement, err, casapi.ErrBadAnswer)
	}
	if text := err.Error(); strings.Contains(text, "ZZZP") || len(text) > 150 {
		t.Errorf("error quotes the body: %s", text)
	}
	return err
}

// TestDecodeStatement_CutOff: no beginning of an answer passes for one.
func TestDecodeStatement_CutOff(t *testing.T) {
	t.Parallel()
	body := string(synthetic(1, 1, 1))
	for end := range len(body) {
		_ = assertBadAnswer(t, body[:end])
	}
	if _, err := casapi.DecodeStatement([]byte(body)); err != nil {
		t.Error(err)
	}
}

// nested is a unified response with an unknown member of so many levels.
func nested(levels int) string {
	return `{"meta":{},"deep":` + strings.Repeat("[", levels) + strings.Repeat("]", levels) + `}`
}

// TestDecodeStatement_Deep: 10,000 levels are read.
func TestDecodeStatement_Deep(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"AtTop": nested(9999), "InData": `{"data":` + nested(9998) + `}`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			statement, err := casapi.DecodeStatement([]byte(body))
			if err != nil {
				t.Fatal(err)
			}
			if deep := string(statement.Extra["deep"]); !strings.Contains(body, `"deep":`+deep+`}`) {
				t.Errorf("got %d bytes, want all levels", len(deep))
			}
		})
	}
}

func TestReadList(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		in   casapi.Value
		want casapi.List[casapi.Folio]
	}{
		{``, casapi.List[casapi.Folio]{}},
		{`null`, casapi.List[casapi.Folio]{}},
		{`[]`, casapi.List[casapi.Folio]{}},
		{`5`, casapi.List[casapi.Folio]{Unreadable: `5`}},
		{`[null,{"amc":1,"new":2},"x"]`, casapi.List[casapi.Folio]{
			Items: []casapi.Folio{{AMC: `1`, Extra: casapi.Extra{"new": `2`}}, {Extra: casapi.Extra{casapi.Misplaced: `"x"`}}},
			Nulls: []int{0},
		}},
	} {
		got, err := casapi.ReadList[casapi.Folio](test.in)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.in, diff)
		}
	}
	if _, err := casapi.ReadList[casapi.Folio](`[1,`); !errors.Is(err, casapi.ErrBadAnswer) {
		t.Errorf("half a list: %v, want an error that matches %v", err, casapi.ErrBadAnswer)
	}
}

// TestParse_NoStatement: a call whose answer is no statement, or one too deep to
// be read, is not made again. Its error says why, and the answer is kept.
func TestParse_NoStatement(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ body, why string }{
		"Other":   {`{"demat_accounts":"none"}`, "answer is not the unified response: demat_accounts: expected array, got string"},
		"TooDeep": {nested(10_000), "answer is nested deeper than 10000 levels"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer, err := serve(t, answering(http.StatusOK, nil, test.body)).Parse(t.Context(), upload())
			failure := assertClass(t, err, casapi.ErrBadAnswer)
			if failure.OutcomeUnknown || failure.Message != test.why || answer == nil || string(answer.Body) != test.body {
				t.Errorf("got %+v, %v; want %q, and the answer", failure, answer, test.why)
			}
		})
	}
}
