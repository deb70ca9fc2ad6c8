package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/config"
	"casflow/internal/samples"
	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// noteColumns are those columns of contract_notes that do not have the name of the
// member that they hold.
var noteColumns = map[string]string{"broker_info.name": "broker_name", "client_info.name": "client_name"}

// noteRows are the rows that contract notes should have: by table, a map from column
// to value for each row.
func noteRows(t *testing.T, all []sample) map[string][]map[string]string {
	t.Helper()
	rows := make(map[string][]map[string]string)
	for _, s := range all {
		note := reflect.ValueOf(*s.ContractNote)
		header := make(map[string]string)
		key := map[string]string{
			"pan": s.ContractNote.Client.PAN, "trade_date": s.ContractNote.Info.TradeDate, "contract_note_number": s.ContractNote.Info.Number,
		}
		for field, part := range note.Fields() {
			if part.Kind() == reflect.Struct {
				for member, value := range members(part) {
					column := member
					if renamed, ok := noteColumns[field.Tag.Get("json")+"."+member]; ok {
						column = renamed
					}
					header[column] = value
				}
				continue
			}
			table := map[string]string{
				"Equities": "contract_note_equities", "Derivatives": "contract_note_derivatives", "Trades": "contract_note_trades",
			}[field.Name]
			for i := range part.Len() {
				row := members(part.Index(i))
				row["ordinal"] = fmt.Sprint(i)
				maps.Copy(row, key)
				rows[table] = append(rows[table], row)
			}
		}
		rows["contract_notes"] = append(rows["contract_notes"], header)
	}
	return rows
}

// members are the members of a part of a note by their names in JSON.
func members(part reflect.Value) map[string]string {
	all := make(map[string]string)
	for field, value := range part.Fields() {
		all[field.Tag.Get("json")] = fmt.Sprint(value.Interface())
	}
	return all
}

// notesEqual compares the rows of contract notes with the samples, value by value.
func (p *pipeline) notesEqual(want map[string][]map[string]string) {
	p.t.Helper()
	for _, table := range storage.ContractNoteTables() {
		var got []map[string]string
		for _, row := range storagetest.Rows(p.t, p.url, `
SELECT jsonb_object_agg(k, coalesce(v, '')) FROM (
	SELECT row_number() OVER () AS n, j FROM (SELECT to_jsonb(t) - 'document_id' - 'received_at' - 'revision' - 'transaction_count' - 'extra' - 'source_form' AS j FROM cas.`+table+` t) AS rows
) AS numbered, jsonb_each_text(j) AS e (k, v) GROUP BY n`) {
			var columns map[string]string
			if err := json.Unmarshal([]byte(row[0]), &columns); err != nil {
				p.t.Fatal(err)
			}
			got = append(got, columns)
		}
		if len(want[table]) == 0 {
			p.t.Errorf("the samples have no rows for %s", table)
		}
		if diff := cmp.Diff(sorted(want[table]), sorted(got)); diff != "" {
			p.t.Errorf("%s (-samples +rows):\n%.3000s", table, diff)
		}
	}
}

// sorted is rows as texts, in their order.
func sorted(rows []map[string]string) []string {
	texts := make([]string, len(rows))
	for i, row := range rows {
		texts[i] = fmt.Sprint(row) // which orders the columns
	}
	slices.Sort(texts)
	return texts
}

// TestPipeline_ContractNotes: what the samples say is in the rows, to the last digit;
// a replay gives the same rows without a call, and an erased PAN is gone.
func TestPipeline_ContractNotes(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sandbox.Config{Credits: -1})
	all := p.putAll(samples.GenerateContractNotes(moderate(samples.Options{Investors: 4, Months: 2, Seed: 83})))
	broker := all[0].ContractNote.Broker.Type
	p.enqueuer(p.settings("submit", "s3://"+p.bucket+"/"+all[0].key, "--kind", "contract_note", "--broker", broker,
		"--password-from", "key:nothing-of-it")...)
	p.scan("in/", "--kind", "contract_note", "--batch", "notes")
	p.drain("--api-max-body-bytes", "1000") // above which statements go by link: notes never do
	if got := p.value(`SELECT string_agg(DISTINCT coalesce(broker, 'unknown'), ' ' ORDER BY coalesce(broker, 'unknown')) FROM cas.documents`); got != strings.Join(slices.Sorted(slices.Values([]string{broker, "unknown"})), " ") {
		t.Errorf("brokers %q, want %s and unknown", got, broker)
	}
	if got := p.fates()[all[0].key]; got.Reason != "wrong_password" {
		t.Errorf("a note without a password: %+v, want wrong_password", got)
	}
	want := noteRows(t, all[1:])
	p.notesEqual(want)
	before, calls := p.rowsOf(storage.ContractNoteTables()), p.api.Totals().Calls
	storagetest.Rows(t, p.url, `DELETE FROM cas.contract_note_trades`)
	storagetest.Rows(t, p.url, `UPDATE cas.contract_notes SET stamp_duty = 1`)
	if out, code := p.replay("--all"); code != config.ExitDone || !strings.HasPrefix(out, fmt.Sprint(len(all)-1, " answers read anew")) {
		t.Errorf("replay: exit code %d, %q", code, out)
	}
	if diff := cmp.Diff(before, p.rowsOf(storage.ContractNoteTables())); diff != "" {
		t.Errorf("rows (-parsed +replayed):\n%s", diff)
	}
	if got := p.api.Totals().Calls; got != calls {
		t.Errorf("%d calls by the replay, want none", got-calls)
	}

	pan := all[len(all)-1].PAN
	if out, code := p.erase("--pan", pan, "--objects"); code != config.ExitDone {
		t.Errorf("erase: exit code %d, %q", code, out)
	}
	if strings.Contains(p.everything(), pan) {
		t.Error("the database still holds the erased PAN")
	}
	if got := p.value(`SELECT count(DISTINCT pan) FROM cas.contract_notes`); got != "3" {
		t.Errorf("notes of %s investors are left, want 3", got)
	}
}
