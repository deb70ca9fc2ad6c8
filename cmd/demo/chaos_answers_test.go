package main

import (
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/samples"
)

// TestChaos_HugeAnswers: an answer of 30 MB is stored, one beyond the limit is not,
// and the worker goes on.
func TestChaos_HugeAnswers(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sandbox.Config{Credits: -1})
	all := p.putSamples(samples.Options{Investors: 4, Seed: 83})
	padded := func(s sample, size int) sandbox.Fault {
		body := strings.TrimSuffix(string(s.Answer), "}") + `,"padding":"` + strings.Repeat("x", size) + `"}`
		return sandbox.Fault{Status: 200, Body: body}
	}
	p.api.FailDocument(all[0].sum, padded(all[0], 30<<20))
	p.api.FailDocument(all[1].sum, padded(all[1], 40<<20))
	p.api.FailDocument(all[2].sum, sandbox.Fault{Status: 200, Body: `{"meta":` + strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000) + `}`})
	p.scan("in/")
	p.drain()
	fates := p.fates()
	for i, want := range []string{"parsed", "bad_answer", "bad_answer", "parsed"} {
		got := fates[all[i].key]
		if got.Status != want && got.Reason != want {
			t.Errorf("document %d: %+v, want %s", i, got, want)
		}
	}
	if got := p.value(`SELECT count(*) FROM cas.statements WHERE length(extra->>'padding') = 31457280`); got != "1" {
		t.Errorf("%s statements have all of the 30 MB", got)
	}
}

// TestChaos_HostileAnswers: what an answer holds that nobody would send in good faith is
// stored if it means something, else its document is dead with the reason and the
// answer kept; each is called for once, and one worker lives through all of it, in
// bounded memory.
func TestChaos_HostileAnswers(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, sandbox.Config{Credits: -1})
	nested := func(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }
	trades := make([]string, 100_000)
	for i := range trades {
		trades[i] = fmt.Sprintf(`{"date":"2025-04-%02d","type":"PURCHASE_SIP","amount":999.95,"units":1.000,"balance":%d}`, i%28+1, i+1)
	}
	cases := []struct{ members, want, says string }{
		{`"new\u0000":"\u0000","demat_accounts":[{"dp_name":"a\u0000b"}]`, "parsed", ""},
		{"\"demat_accounts\":[{\"dp_name\":\"a\xc3(\xff\"}]", "parsed", ""},
		{`"demat_accounts":[{"value":1e131072,"holdings":{"equities":[{"units":-1e999999999}]}}]`, "parsed", ""},
		{`"mutual_funds":[{"schemes":[{"transactions":[` + strings.Join(trades, ",") + `]}]}]`, "parsed", ""},
		{`"new":` + nested(9_999), "parsed", ""},
		{`"new":` + nested(10_000), "bad_answer", "nested deeper than 10000 levels"},
		{`"demat_accounts":[` + strings.Repeat("{},", 1_500_000) + `{}]`, "bad_answer", "more objects and lists than can be held in memory"},
		{`"meta":{"statement_period":{"to":"2025-02-30"}},"mutual_funds":[]`, "bad_answer", "meta.statement_period.to: expected date, got string"},
		{`"demat_accounts":"none"`, "parsed", ""},
		{`"investor":{"pan":"ZZZPZ00000"}`, "missing_pan", ""},
	}
	all := p.putSamples(samples.Options{Investors: len(cases) + 3, Seed: 89})
	want := make(map[string]string)
	says := make(map[string]string)
	for i, test := range cases {
		body := fmt.Sprintf(`{"meta":{"statement_period":{"to":"2025-04-30"}},"investor":{"pan":"ZZZPH%04dZ"},%s}`, i, test.members)
		p.api.FailDocument(all[i].sum, sandbox.Fault{Status: 200, Body: body})
		want[all[i].key], says[all[i].key] = test.want, test.says
	}
	for i, body := range []string{`[1, 2]`, `{"demat_accounts":"none","nps":{}}`} {
		key := all[len(cases)+i].key
		p.api.FailDocument(all[len(cases)+i].sum, sandbox.Fault{Status: 200, Body: body})
		want[key], says[key] = "bad_answer", []string{"expected object, got array", "demat_accounts: expected array, got string"}[i]
	}
	want[all[len(all)-1].key] = "parsed" // the one in good order
	p.scan("in/")
	worker := p.workerProcess("--concurrency", "8")
	p.await("the end of every document", func() bool {
		return p.number(`SELECT count(*) FROM cas.documents WHERE status IN ('parsed', 'dead')`) == len(all)
	})
	most := 1_500 * megabyte
	if raced() {
		most *= 3 // what the race detector takes besides
	}
	if peak := worker.memory("VmHWM"); peak > most {
		t.Errorf("the worker took %d MB, want %d at most", peak/megabyte, most/megabyte)
	}
	worker.terminate()
	got := make(map[string]string)
	for key, fate := range p.fates() {
		got[key] = fate.Status
		if fate.Status == "dead" {
			got[key] = fate.Reason
			message := p.value(`SELECT message FROM cas.dead_letters JOIN cas.documents USING (document_id) WHERE object_key = $1`, key)
			if !strings.Contains(message, says[key]) {
				t.Errorf("%s: dead with %q, want %q", key, message, says[key])
			}
		}
		if fate.Attempts != 1 {
			t.Errorf("%s: %d calls, want one", key, fate.Attempts)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fates (-want +got):\n%s", diff)
	}
	if got := p.number(`SELECT count(*) FROM cas.answers`); got != len(all) {
		t.Errorf("%d answers are kept, want %d", got, len(all))
	}
	if got := p.number(`SELECT count(*) FROM cas.transactions WHERE pan = 'ZZZPH0003Z'`); got != len(trades) {
		t.Errorf("%d transactions, want %d", got, len(trades))
	}
}

// raced reports whether this is built with the race detector.
func raced() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
