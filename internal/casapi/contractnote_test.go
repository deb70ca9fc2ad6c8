package casapi_test

import (
	"errors"
	"maps"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"casflow/internal/casapi"
	"casflow/internal/samples"
)

// note is a contract note as the API answers it.
const note = `{"status":"success","msg":"Parsed","data":{"contract_note_info":{"contract_note_number":"ZZ/1"},"equity_transactions":[]}}`

// drawNote is draw for contract notes.
func drawNote(at, raw string) *sketch {
	s := &sketch{at: at, raw: raw, kinds: map[string]string{}}
	s.write(reflect.TypeFor[casapi.ContractNote](), "")
	return s
}

func flattenedNote(t *testing.T, body string) map[string]string {
	t.Helper()
	answer, err := casapi.DecodeContractNote([]byte(body))
	if err != nil {
		t.Fatalf("%v: %.200s", err, body)
	}
	flat := map[string]string{}
	flatten(reflect.ValueOf(*answer), "", flat)
	return flat
}

// TestDecodeContractNote_EveryMember: each member lands in the field of its name,
// unknown ones are kept at every level, and what is of a wrong kind is kept where
// it stood.
func TestDecodeContractNote_EveryMember(t *testing.T) {
	t.Parallel()
	s := drawNote("", "")
	if len(s.kinds) < 60 {
		t.Fatalf("the sketch has %d members only", len(s.kinds))
	}
	if diff := cmp.Diff(whole(s), flattenedNote(t, s.json.String())); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, raw := range []string{`null`, `"text"`, `-1.50`, `{}`, `[]`, `[1,null,{"a":[]}]`} {
		for at, kind := range s.kinds {
			if at == "" || kind == "value" {
				continue
			}
			want := whole(s)
			maps.DeleteFunc(want, func(path, _ string) bool {
				rest, found := strings.CutPrefix(path, at)
				return found && (rest == "" || rest[0] == '.' || rest[0] == '[')
			})
			for path, value := range flattenedNote(t, drawNote(at, raw).json.String()) {
				if _, elsewhere := want[path]; elsewhere || !strings.HasPrefix(path, at) {
					if want[path] != value {
						t.Errorf("%s in place of %s: %s is %s, want %s", raw, at, path, value, want[path])
					}
					delete(want, path)
				}
			}
			if len(want) > 0 {
				t.Errorf("%s in place of %s: lost %v", raw, at, want)
			}
		}
	}
}

// TestDecodeContractNote_Samples: what the samples say is read, digit by digit.
func TestDecodeContractNote_Samples(t *testing.T) {
	t.Parallel()
	fields, index := drawNote("", "").kinds, regexp.MustCompile(`\[[0-9]+\]`)
	for s := range samples.GenerateContractNotes(samples.Options{Investors: 8, Seed: 4}) {
		answer, err := casapi.DecodeContractNote(s.Answer)
		if err != nil {
			t.Fatal(err)
		}
		want, got := s.ContractNote, answer
		if len(got.Equities.Items) != len(want.Equities) || len(got.Derivatives.Items) != len(want.Derivatives) ||
			len(got.Trades.Items) != len(want.Trades) {
			t.Errorf("%s: %d, %d and %d rows", s.Filename, len(got.Equities.Items), len(got.Derivatives.Items), len(got.Trades.Items))
		}
		if amount, ok := got.Charges.NetAmountReceivablePayable.Decimal(); !ok || amount != string(want.Charges.NetAmount) {
			t.Errorf("%s: net amount %q, want %s", s.Filename, amount, want.Charges.NetAmount)
		}
		if order, ok := got.Trades.Items[0].OrderNumber.Text(); !ok || order != want.Trades[0].OrderNumber {
			t.Errorf("%s: order %q, want %s", s.Filename, order, want.Trades[0].OrderNumber)
		}
		flat := map[string]string{}
		flatten(reflect.ValueOf(*answer), "", flat)
		for path := range flat {
			if fields[index.ReplaceAllString(path, "[0]")] != "value" {
				t.Errorf("%s: %s has no field", s.Filename, path)
			}
		}
	}
}

func TestDecodeContractNote_Shapes(t *testing.T) {
	t.Parallel()
	number := func(body string) string {
		answer, err := casapi.DecodeContractNote([]byte(body))
		if err != nil {
			return err.Error()
		}
		text, _ := answer.Info.ContractNoteNumber.Text()
		return text
	}
	const bad = "decode contract note: bad answer: "
	const not, broken = bad + "contract_note_info: expected object, got nothing", bad + "not JSON, or cut off"
	const notInData = bad + "data.contract_note_info: expected object, got nothing"
	for body, want := range map[string]string{
		note: "ZZ/1", "\ufeff" + note: "ZZ/1", `{"contract_note_info":{"contract_note_number":"ZZ/2"}}`: "ZZ/2",
		`{"status":{"contract_note_info":{"contract_note_number":"ZZ/3"}}}`:                                                             "ZZ/3",
		`{"data":{"detailed_trades":[]}}`:                                                                                               "",
		`{"data":{"contract_note_info":{"contract_note_number":"a` + "\xff\xfe\"}}}":                                                    "a\ufffd\ufffd",
		`{"status":"success","data":{"contract_note_info":{"contract_note_number":5},"contract_note_info":{"contract_note_number":6}}}`: "6",
		`{"data":` + note + `,"data":{"contract_note_info":{"contract_note_number":7}}}`:                                                "7",
		`{"data":{"detailed_trades":[null` + strings.Repeat(`,null`, 1<<20) + `]}}`:                                                     bad + "more objects and lists than can be held in memory",
		nestedNote(10_000): "ZZ/1", nestedNote(10_001): bad + "nested deeper than 10000 levels",
		note[:50]: broken, ``: broken, note + note: broken, unified: not, `{"data":` + unified + `}`: notInData, `[]`: bad + "expected object, got array",
		`{"data":{"contract_note_info":{}},"data":5}`:             not,
		`{"data":{"contract_note_info":[],"detailed_trades":{}}}`: bad + "data.contract_note_info: expected object, got array",
		`{"data":{"broker_info":null,"detailed_trades":{}}}`:      bad + "data.broker_info: expected object, got null",
		`{"data":null}`: not, `{"data":[` + note + `]}`: not,
	} {
		if got := number(body); got != want {
			t.Errorf("%.200s: got %q, want %q", body, got, want)
		}
	}
}

// nestedNote is a note nested so many levels deep.
func nestedNote(levels int) string {
	const open = `{"contract_note_info":{"contract_note_number":"ZZ/1"},"a":`
	return open + strings.Repeat("[", levels-1) + strings.Repeat("]", levels-1) + "}"
}

// TestDecodeContractNote_Repeated: of members whose name comes again the last counts,
// and the others are kept; so is what is around the note.
func TestDecodeContractNote_Repeated(t *testing.T) {
	t.Parallel()
	const body = `{"status":"success","status":1,"new":true,"data":{"client_info":{"pan":"a"},"client_info":{"pan":"b","pan":"c","pan":null}}}`
	got, err := casapi.DecodeContractNote([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	want := &casapi.ContractNote{
		Client:  casapi.ClientInfo{PAN: "null"},
		Wrapper: casapi.Wrapper{In: "data", Beside: casapi.Extra{"status": "1", "new": "true"}},
		Repeated: []casapi.Repeated{
			{Path: "/status", Value: `"success"`},
			{Path: "/data/client_info", Value: `{"pan":"a"}`},
			{Path: "/data/client_info/pan", Value: `"b"`},
			{Path: "/data/client_info/pan", Value: `"c"`},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func FuzzDecodeContractNote(f *testing.F) {
	f.Add([]byte(drawNote("", "").json.String()))
	for _, body := range []string{
		note, note[:60], `{"data":{"broker_info":{}},"data":5}`, `{"charges_summary":{},"a":{"data":1e999}}`,
		`{"status":{"detailed_trades":[]},"msg":1,"msg":{"a":1,"a":2}}`,
		"{\"data\":{\"client_info\":{\"name\":\"\\ud800\\u0000\xff\"},\"detailed_trades\":[null,5,{\"remarks\":[]}]}}",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		answer, err := casapi.DecodeContractNote(body)
		if err != nil {
			if !errors.Is(err, casapi.ErrBadAnswer) || answer != nil {
				t.Errorf("got %+v, %v", answer, err)
			}
			// Decoding may fail only for what the first look already found.
			if strings.HasSuffix(err.Error(), "unreadable") || strings.Contains(err.Error(), "at byte") || strings.Contains(err.Error(), "repeated") {
				t.Errorf("is JSON with a contract note, but: %v", err)
			}
			return
		}
		flat := map[string]string{}
		flatten(reflect.ValueOf(*answer), "", flat)
		for path, raw := range flat {
			if !jsontext.Value(raw).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
				t.Errorf("%s holds no JSON value: %q", path, raw)
			}
		}
	})
}
