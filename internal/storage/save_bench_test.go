package storage_test

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// threeHundred is a statement of 300 rows for a PAN of its own.
func threeHundred(i int) *storage.Statement {
	n := strconv.Itoa
	s := &storage.Statement{
		Key:        storage.StatementKey{PAN: fmt.Sprintf("ZZZP%c%04dZ", 'A'+i/10_000, i%10_000), PeriodFrom: "2025-04-01", PeriodTo: "2025-04-30", CASType: "CDSL"},
		Investor:   storage.Investor{Name: "Zed Example", Email: "zed@example.invalid", Address: "1, Example Road", Pincode: "560001", CASID: "ZZ00991234"},
		TotalValue: "1234567.89", GeneratedAt: "2025-05-01T10:20:30.123456+05:30", GeneratedAtText: "2025-05-01T10:20:30.123456+05:30",
		Summary:    storage.Summary{Demat: storage.SummaryClass{Count: "2", Value: "4567.80"}, MutualFunds: storage.SummaryClass{Count: "20", Value: "1230000.09"}},
		ReceivedAt: arrival(0),
	}
	for a := range 2 {
		s.DematAccounts = append(s.DematAccounts, storage.DematAccount{DematType: "CDSL", DPID: "12999900", BOID: "1299990000004321", DPName: "Example Broking", Value: "4567.80", BOStatus: "Active", BSDA: "N"})
		s.LinkedHolders = append(s.LinkedHolders, storage.LinkedHolder{HolderKind: storage.KindOfDemat, Account: a, Name: "Zed Example", PAN: "ZZZPZ0000Z"})
		for h := range 37 {
			s.DematHoldings = append(s.DematHoldings, storage.DematHolding{Account: a, Holding: h, AssetClass: storage.AssetEquity, ISIN: "INE0ZZ9" + n(10000+h), Name: "Example Industries Limited", Units: n(h + 1), Value: n(h*977) + ".25", CloseUnits: n(h + 1)})
		}
	}
	for f := range 20 {
		s.Folios = append(s.Folios, storage.Folio{FolioNumber: "77" + n(100000+f) + "/56", AMC: "Example Mutual Fund", RTA: "CAMS", Value: n(f*1000) + ".5", PAN: "ZZZPZ0000Z", KYC: "OK"})
		s.Schemes = append(s.Schemes, storage.Scheme{Folio: f, ISIN: "INF0ZZ9KA024", Name: "Example Flexi Cap Fund - Direct Growth", Type: "Equity", Units: "143.217", NAV: "38.4102", Value: "5500.99", Cost: "5000.00", GainAbsolute: "500.99", GainPercentage: "10.02", Nominees: []string{"Yan Example"}, Advisor: "DIRECT", AMFI: "199999", OpenUnits: "120.001", CloseUnits: "143.217"})
		for t := range 9 {
			s.Transactions = append(s.Transactions, storage.Transaction{HoldingKind: storage.KindOfMutualFund, Account: f, Ordinal: t, Date: "2025-04-" + n(10+t), Description: "Purchase - SIP instalment", Type: "PURCHASE_SIP", Amount: "999.95", Units: "26.034", Balance: n(100+t) + ".217", NAV: "38.4102", StampDuty: "0.05"})
		}
	}
	s.InsurancePolicies = []storage.InsurancePolicy{{PolicyNumber: "ZZL0099123", Provider: "Example Life", SumAssured: "500000"}}
	return s
}

// BenchmarkDB_Save saves documents of 300 rows, four at once for each connection as a
// worker does by default, next to what Postgres can do at its
// best: a bare COPY of the same rows, with text made ready beforehand, first one
// transaction for each document and then one for all of them. Ratios are of
// documents per second.
func BenchmarkDB_Save(b *testing.B) {
	for _, connections := range []int{1, 8} {
		b.Run(fmt.Sprintf("connections=%d", connections), func(b *testing.B) {
			b.ReportAllocs()
			url := storagetest.URL(b)
			db, err := storage.Open(b.Context(), url, connections)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(db.Close)
			bare := newBare(b, url, connections)
			const round = 100
			var saving, copying, bulk time.Duration
			done := 0
			for b.Loop() {
				documents := make([]storage.NewDocument, round)
				for i := range documents {
					documents[i] = newDocument(fmt.Sprintf("%d.pdf", done+i), storage.QueueBulk)
				}
				if _, err := db.Record(b.Context(), documents); err != nil {
					b.Fatal(err)
				}
				if err := storagetest.Exec(b, url, `UPDATE cas.documents SET status = 'calling' WHERE status = 'pending'`); err != nil {
					b.Fatal(err)
				}
				statements := make([]*storage.Statement, round)
				for i := range statements {
					statements[i] = threeHundred(done + i)
				}
				saving += atOnce(b, 4*connections, round, func(_, i int) error {
					_, err := db.Save(b.Context(), benchmarkAnswer(documents[i].ID), statements[i], storage.AttemptEnd{})
					return err
				})
				texts, all := bare.export(b, done, round)
				copying += atOnce(b, connections, round, func(worker, i int) error { return bare.copy(b.Context(), worker, texts[i]) })
				bare.truncate(b)
				bulk += atOnce(b, 1, 1, func(int, int) error { return bare.copy(b.Context(), 0, all) })
				bare.truncate(b)
				done += round
			}
			b.ReportMetric(float64(done)/saving.Seconds(), "documents/s")
			b.ReportMetric(float64(done)/copying.Seconds(), "COPY-each/s")
			b.ReportMetric(float64(done)/bulk.Seconds(), "COPY-all/s")
			b.ReportMetric(copying.Seconds()/saving.Seconds(), "of-COPY-each")
			b.ReportMetric(bulk.Seconds()/saving.Seconds(), "of-COPY-all")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// benchmarkAnswer is as large as an answer of 300 rows is.
func benchmarkAnswer(document uuid.UUID) storage.Answer {
	a := answerFor(document)
	a.Body = bytes.Repeat([]byte(`{"date":"2025-04-07","type":"PURCHASE_SIP","amount":999.95,"units":26.034,"nav":38.4102}`), 600)
	return a
}

// atOnce runs jobs on so many workers and returns how long it took.
func atOnce(b *testing.B, workers, jobs int, do func(worker, i int) error) time.Duration {
	b.Helper()
	next := make(chan int, jobs)
	for i := range jobs {
		next <- i
	}
	close(next)
	began := time.Now()
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			for i := range next {
				if err := do(worker, i); err != nil {
					b.Error(err)
				}
			}
		})
	}
	group.Wait()
	return time.Since(began)
}

// bare copies rows into tables like those of cas, keys and checks included.
type bare struct {
	connections []*pgx.Conn
	tables      []string
}

func newBare(b *testing.B, url string, connections int) *bare {
	b.Helper()
	bare := &bare{}
	for range connections {
		connection, err := pgx.Connect(b.Context(), url)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = connection.Close(context.WithoutCancel(b.Context())) })
		bare.connections = append(bare.connections, connection)
	}
	bare.exec(b, "CREATE SCHEMA bare")
	for _, table := range storage.StatementTables() {
		bare.exec(b, "CREATE TABLE bare."+table+" (LIKE cas."+table+" INCLUDING ALL)")
		bare.tables = append(bare.tables, table)
	}
	return bare
}

func (c *bare) exec(b *testing.B, sql string) {
	b.Helper()
	if _, err := c.connections[0].Exec(b.Context(), sql); err != nil {
		b.Fatal(err)
	}
}

func (c *bare) truncate(b *testing.B) {
	b.Helper()
	for _, table := range c.tables {
		c.exec(b, "TRUNCATE bare."+table)
	}
}

// export gives the rows of n documents from the first on as COPY's text, table
// by table: for each document, and for all of them.
func (c *bare) export(b *testing.B, first, n int) (each [][][]byte, all [][]byte) {
	b.Helper()
	all = make([][]byte, len(c.tables))
	for i := range n {
		texts := make([][]byte, len(c.tables))
		for t, table := range c.tables {
			var text bytes.Buffer
			//nolint:unqueryvet // the very columns of a table that is made like it
			sql := "COPY (SELECT * FROM cas." + table + " WHERE pan = '" + threeHundred(first+i).Key.PAN + "') TO STDOUT"
			if _, err := c.connections[0].PgConn().CopyTo(b.Context(), &text, sql); err != nil {
				b.Fatal(err)
			}
			texts[t] = text.Bytes()
			all[t] = append(all[t], texts[t]...)
		}
		each = append(each, texts)
	}
	return each, all
}

// copy writes texts in one transaction.
func (c *bare) copy(ctx context.Context, worker int, texts [][]byte) error {
	return pgx.BeginFunc(ctx, c.connections[worker], func(tx pgx.Tx) error {
		for t, table := range c.tables {
			if len(texts[t]) == 0 {
				continue
			}
			if _, err := tx.Conn().PgConn().CopyFrom(ctx, bytes.NewReader(texts[t]), "COPY bare."+table+" FROM STDIN"); err != nil {
				return err
			}
		}
		return nil
	})
}
