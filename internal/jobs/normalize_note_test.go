package jobs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// readNote normalizes the answer to a contract note.
func readNote(body []byte, pan string) (*storage.ContractNote, map[string]int, error) {
	read, err := normalize(source{body: body, kind: storage.KindContractNote, receivedAt: receivedAt, pan: pan})
	if err != nil {
		return nil, nil, err
	}
	note, ok := read.content.(*storage.ContractNote)
	if !ok {
		return nil, nil, fmt.Errorf("read as %T", read.content)
	}
	return note, read.unreadable, nil
}

func noteAnswer(t *testing.T) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", "normalize", "contract_note.json"))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestNormalize_ContractNote(t *testing.T) {
	t.Parallel()
	body := noteAnswer(t)
	note, unreadable, err := readNote(body, "")
	if err != nil {
		t.Fatal(err)
	}
	assertGolden(t, "contract_note", encode(t, note))
	want := map[string]int{"contract_note_equities": 2}
	if diff := cmp.Diff(want, unreadable); diff != "" {
		t.Errorf("unreadable values (-want +got):\n%s", diff)
	}

	rebuilt, err := note.Answer()
	if err != nil {
		t.Fatal(err)
	}
	assertRebuilt(t, body, rebuilt)
	db := storagetest.New(t)
	assertNoteStored(t, db, "note.pdf", body, note)
	saved := saveAnswer(t, db, "note.pdf", body, note)
	rows := map[string]int64{"contract_notes": 1, "contract_note_equities": 2, "contract_note_derivatives": 1, "contract_note_trades": 1}
	if diff := cmp.Diff(rows, saved.Rows); diff != "" {
		t.Errorf("rows written (-want +got):\n%s", diff)
	}
}

// TestNormalize_BareContractNote: a note without its envelope is the same note, and is
// given back without one.
func TestNormalize_BareContractNote(t *testing.T) {
	t.Parallel()
	const body = `{"contract_note_info": {"contract_note_number": "1", "trade_date": "2025-04-07"}, "client_info": {"pan": "ZZZPA0001Z"}, "status": "x"}`
	note, _, err := readNote([]byte(body), "")
	if err != nil {
		t.Fatal(err)
	}
	rebuilt, err := note.Answer()
	if err != nil {
		t.Fatal(err)
	}
	assertRebuilt(t, []byte(body), rebuilt)
}

func TestNormalize_ContractNoteKey(t *testing.T) {
	t.Parallel()
	const info = `"contract_note_info": {"contract_note_number": "CN1", "trade_date": "2025-04-07"}`
	for _, test := range []struct {
		name, body, supplied string
		want                 storage.ContractNoteKey
		err                  error
		says                 string
	}{
		{
			name: "PAN supplied", body: `{"data": {` + info + `, "client_info": {"pan": "unknown"}}}`, supplied: "zzzpa0001z",
			want: storage.ContractNoteKey{PAN: "ZZZPA0001Z", TradeDate: "2025-04-07", Number: "CN1"},
		},
		{
			name: "number that is one", body: `{"data": {"contract_note_info": {"contract_note_number": 7, "trade_date": "07/04/2025"}, "client_info": {"pan": "ZZZPA0001Z"}}}`,
			want: storage.ContractNoteKey{PAN: "ZZZPA0001Z", TradeDate: "2025-04-07", Number: "7"},
		},
		{name: "no PAN", body: `{"data": {` + info + `}}`, err: errMissingPAN},
		{
			name: "no date", body: `{"data": {"contract_note_info": {"contract_note_number": "CN1"}}}`, err: errBadAnswer,
			says: "data.contract_note_info.trade_date: expected date, got nothing",
		},
		{
			name: "no number", body: `{"contract_note_info": {"contract_note_number": [1], "trade_date": "2025-04-07"}}`, err: errBadAnswer,
			says: ": contract_note_info.contract_note_number: expected text, got array",
		},
		{
			name: "number without end", body: `{"data": {"contract_note_info": {"contract_note_number": "` + strings.Repeat("9", 257) + `", "trade_date": "2025-04-07"}}}`,
			err: errBadAnswer, says: "contract_note_number: longer than 256 bytes",
		},
		{name: "a statement", body: `{"meta": {}}`, err: errBadAnswer},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			note, _, err := readNote([]byte(test.body), test.supplied)
			if test.err != nil {
				if !errors.Is(err, test.err) || !strings.Contains(err.Error(), test.says) {
					t.Errorf("normalize() = %v, want %v that says %q", err, test.err, test.says)
				}
				return
			}
			if err != nil || note.Key != test.want {
				t.Errorf("normalize() = %+v, %v, want %+v", note, err, test.want)
			}
		})
	}
}
