package jobs

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"casflow/internal/casapi"
	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// generateNote is generate for contract notes.
func generateNote(seed uint64, pan string) []byte {
	g := newGenerator(seed, pan)
	return g.wrapped(g.IntN(6) != 0, func() { g.note(seed) })
}

func (g *generator) note(seed uint64) {
	g.printf(`{"contract_note_info":{"contract_note_number":%s,"trade_date":%s,"settlement_number":%s,"settlement_date":%s%s}`,
		g.one(fmt.Sprintf(`"CN/%d"`, seed), fmt.Sprint(seed), fmt.Sprintf(`" CN\u0000%d "`, seed)), g.one(`"2025-04-07"`, `"07-Apr-2025"`, `"07/04/2025"`),
		g.scalar(), g.scalar(), g.more())
	g.printf(`,"client_info":{"name":%s,"pan":%q,"ucc":%s,"address":%s%s}`, g.scalar(), g.one(g.pan, " "+strings.ToLower(g.pan)), g.scalar(), g.scalar(), g.more())
	for field := range reflect.TypeFor[casapi.ContractNote]().Fields() {
		switch name := field.Tag.Get("json"); {
		case strings.HasPrefix(name, ",") || name == "-" || name == "contract_note_info" || name == "client_info":
		case g.chance(850):
			g.printf(`,%q:`, name)
			g.value(field.Type, 0)
		}
	}
	g.WriteString(g.more() + "}")
}

// TestNormalize_LosslessNote is TestNormalize_Lossless for contract notes.
func TestNormalize_LosslessNote(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	const answers = 300
	kept := 0
	for i := range answers {
		body := generateNote(uint64(i), fmt.Sprintf("ZZZPZ%04dZ", i%7))
		note, _, err := readNote(body, "")
		if errors.Is(err, errBadAnswer) || errors.Is(err, errMissingPAN) {
			continue
		}
		if err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		assertNoteStored(t, db, fmt.Sprintf("%d.pdf", i), body, note)
		if t.Failed() {
			t.Fatalf("answer %d: %.3000s", i, body)
		}
		kept++
	}
	if kept < answers*8/10 {
		t.Errorf("only %d of %d answers could be saved", kept, answers)
	}
}

// assertNoteStored saves a note and checks that its answer comes back.
func assertNoteStored(t *testing.T, db *storage.DB, name string, body []byte, note *storage.ContractNote) {
	t.Helper()
	saveAnswer(t, db, name, body, note)
	stored, err := db.ContractNote(t.Context(), note.Key)
	if err != nil {
		t.Fatal(err)
	}
	rebuilt, err := stored.Answer()
	if err != nil {
		t.Fatal(err)
	}
	assertRebuilt(t, body, rebuilt)
}

// TestNormalize_NoteBounds is TestNormalize_Bounds for contract notes.
func TestNormalize_NoteBounds(t *testing.T) {
	t.Parallel()
	trade := func(member string) string { return `"detailed_trades":[{` + member + `}]` }
	for name, test := range map[string]struct {
		members string
		refused string // "": stored
	}{
		"NUL":             {`"new\u0000":"\u0000",` + trade(`"remarks":"a\u0000b"`), ""},
		"InvalidUTF8":     {"\"new\xff\":\"\xfe\xff\"," + trade("\"remarks\":\"a\xc3(\""), ""},
		"HalfSurrogate":   {trade(`"remarks":"\ud800"`), ""},
		"NumberOverflows": {trade(`"quantity":1e131072,"new":-1e999999999999`), ""},
		"Repeated":        {trade(`"quantity":1,"quantity":2`) + `,"client_info":{"pan":"` + zed + `","ucc":"a","ucc":{"ucc":1,"ucc":2}}`, ""},
		"ManyTrades":      {`"detailed_trades":[` + strings.Repeat(`{"trade_number":"0012","net_total":-10.50},`, 99_999) + `{}]`, ""},
		"Nested":          {`"new":` + strings.Repeat("[", 9_998) + strings.Repeat("]", 9_998), ""},
		"NestedTooDeep":   {`"new":` + strings.Repeat("[", 9_999) + strings.Repeat("]", 9_999), "nested deeper than 10000 levels"},
		"TooManyTrades":   {`"detailed_trades":[` + strings.Repeat("{},", 1_500_000) + `{}]`, "more objects and lists than can be held in memory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := []byte(`{"data":{"contract_note_info":{"contract_note_number":"1","trade_date":"2025-04-07"},"client_info":{"pan":"` + zed + `"},` +
				test.members + `}}`)
			note, _, err := readNote(body, "")
			if test.refused != "" {
				if !errors.Is(err, errBadAnswer) || !strings.HasSuffix(err.Error(), test.refused) {
					t.Errorf("normalize() = %v, want errBadAnswer: %s", err, test.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			assertNoteStored(t, storagetest.New(t), "a.pdf", body, note)
		})
	}
}

// FuzzNormalizeNote: whatever is taken for a contract note can be rebuilt from its rows.
func FuzzNormalizeNote(f *testing.F) {
	for i := range uint64(30) {
		f.Add(generateNote(i, zed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		note, _, err := readNote(body, "")
		if err != nil {
			if !errors.Is(err, errBadAnswer) && !errors.Is(err, errMissingPAN) {
				t.Errorf("unexpected error: %v", err)
			}
			return
		}
		rebuilt, err := note.Answer()
		if err != nil {
			t.Fatal(err)
		}
		assertRebuilt(t, body, rebuilt)
	})
}
