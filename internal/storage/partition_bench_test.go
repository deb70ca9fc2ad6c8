package storage_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// wide is a statement of about 300 rows.
func wide(n int) *storage.Statement {
	s := full()
	s.Key.PAN = fmt.Sprintf("ZZZ%c%c%04dZ", 'A'+n/10000%26, 'A'+n/260000%26, n%10000)
	s.DematHoldings, s.Folios, s.Schemes, s.Transactions = nil, nil, nil, nil
	for i := range 60 {
		s.DematHoldings = append(s.DematHoldings, storage.DematHolding{
			Holding: i, AssetClass: storage.AssetEquity, ISIN: "INE0ZZ901010", Name: "A share of some length", Units: "143.217", Value: "5500.50",
		})
	}
	for i := range 20 {
		s.Folios = append(s.Folios, storage.Folio{FolioNumber: fmt.Sprint(77001234, "/", i), AMC: "Sample AMC", RTA: "CAMS", Value: "10.5"})
		s.Schemes = append(s.Schemes, storage.Scheme{Folio: i, ISIN: "INF0ZZ9KA024", Name: "A scheme of some length", Units: "143.217", NAV: "38.4102", Value: "5500.51"})
		for j := range 9 {
			s.Transactions = append(s.Transactions, storage.Transaction{
				HoldingKind: storage.KindOfMutualFund, Account: i, Ordinal: j, Date: "2025-04-07", Type: "PURCHASE_SIP", Description: "Systematic investment",
				Amount: "5000", Units: "130.174", Balance: "1430.17", NAV: "38.4102",
			})
		}
	}
	return s
}

// BenchmarkDB_Save_Partitioned compares saving into tables in one piece and into
// tables of 8 partitions. Run it several times: it is a comparison within one run.
func BenchmarkDB_Save_Partitioned(b *testing.B) {
	for _, connections := range []int{1, 8} {
		for _, layout := range []string{"whole", "partitioned"} {
			b.Run(fmt.Sprintf("connections=%d/%s", connections, layout), func(b *testing.B) {
				address := storagetest.URL(b)
				if layout == "partitioned" {
					runScript(b, address, partitionPath)
				}
				db, err := storage.Open(b.Context(), address, connections)
				if err != nil {
					b.Fatal(err)
				}
				defer db.Close()
				var n atomic.Int64
				save := func() error {
					i := int(n.Add(1))
					document := newDocument(fmt.Sprint(i), storage.QueueBulk)
					_, err := db.Save(b.Context(), answerFor(document.ID), wide(i), storage.AttemptEnd{})
					return err
				}
				for range 200 { // plans are made and kept by then
					if err := save(); err != nil {
						b.Fatal(err)
					}
				}
				b.SetParallelism(connections / 2)
				b.ResetTimer()
				if connections == 1 {
					for b.Loop() {
						if err := save(); err != nil {
							b.Fatal(err)
						}
					}
					return
				}
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if err := save(); err != nil {
							b.Error(err)
							return
						}
					}
				})
			})
		}
	}
}
