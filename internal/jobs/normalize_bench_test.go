package jobs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"

	"casflow/internal/casapi"
	"casflow/internal/samples"
	"casflow/internal/storage"
)

// sampleAnswer is an answer of some hundred rows.
func sampleAnswer(b *testing.B) []byte {
	b.Helper()
	for s := range samples.Generate(samples.Options{Investors: 1, Months: 1, Seed: 2, Holdings: 60, Transactions: 400}) {
		body, err := json.Marshal(s.Statement)
		if err != nil {
			b.Fatal(err)
		}
		return body
	}
	b.Fatal("no sample")
	return nil
}

// BenchmarkNormalize turns an answer into rows, next to the part of it that reads
// the answer and to a bare decode of the same answer into structs.
func BenchmarkNormalize(b *testing.B) {
	body := sampleAnswer(b)
	for name, run := range map[string]func() error{
		"rows": func() error {
			_, err := normalize(source{body: body, kind: storage.KindSmart, receivedAt: receivedAt})
			return err
		},
		"read": func() error {
			_, err := casapi.DecodeStatement(body)
			return err
		},
		"bare": func() error { return jsonv2.Unmarshal(body, new(samples.Statement)) },
		"std":  func() error { return json.NewDecoder(bytes.NewReader(body)).Decode(new(samples.Statement)) },
	} {
		b.Run(fmt.Sprintf("%s/%dKB", name, len(body)>>10), func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if err := run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
