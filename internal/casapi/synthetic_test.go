package casapi_test

import (
	"fmt"
	"strings"
	"testing"

	"casflow/internal/casapi"
)

// synthetic returns a unified response of roughly 200 KB for 40 folios of 25
// transactions and 60 holdings: invented names, ids and amounts.
func synthetic(folios, transactions, holdings int) []byte {
	var b strings.Builder
	b.WriteString(`{"meta":{"cas_type":"CDSL","statement_period":{"from":"2025-04-01","to":"2025-04-30"},"generated_at":"2025-05-01T10:20:30.123456"},` +
		`"investor":{"name":"Zed Example","pan":"ZZZPZ0000Z","email":"zed@example.invalid","address":"1, Example Road","pincode":"560001","mobile":null,"cas_id":"ZZ00991234"},` +
		`"summary":{"total_value":1234567.89,"accounts":{"demat":{"count":1,"total_value":4567.8},"mutual_funds":{"count":40,"total_value":1230000.09}}},` +
		`"demat_accounts":[{"demat_type":"CDSL","dp_id":"12999900","client_id":"10004321","bo_id":"1299990000004321","dp_name":"Example Broking","value":4567.8,` +
		`"linked_holders":[{"name":"Zed Example","pan":"ZZZPZ0000Z"}],"additional_info":{"bo_status":"Active","bsda":"N","nominee":"Registered"},"holdings":{"equities":[`)
	for i := range holdings {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"isin":"INE0ZZ9%05d","name":"Example Industries %d Limited","units":%d,"value":%d.%02d,"transactions":[],"additional_info":{"open_units":null,"close_units":%d}}`, i, i, i+1, i*977, i%100, i+1)
	}
	b.WriteString(`],"corporate_bonds":[],"government_securities":[],"aifs":[],"demat_mutual_funds":[]}}],"mutual_funds":[`)
	for i := range folios {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"folio_number":"77%06d/56","amc":"Example Mutual Fund","registrar":"CAMS","value":%d.5,"linked_holders":[],"additional_info":{"pan":"ZZZPZ0000Z","pankyc":"OK","kyc":"OK"},`+
			`"schemes":[{"isin":"INF0ZZ9KA%03d","name":"Example Flexi Cap Fund - Direct Growth","type":"Equity","units":143.217,"nav":38.4102,"value":5500.99,"cost":5000.00,"gain":{"absolute":500.99,"percentage":10.02},`+
			`"additional_info":{"advisor":"DIRECT","rta_code":"ZZG01","amfi":"199999","open_units":120.001,"close_units":143.217},"nominees":["Yan Example"],"transactions":[`, i, i*1000, i)
		for j := range transactions {
			if j > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `{"date":"2025-04-%02d","description":"Purchase - SIP instalment","type":"PURCHASE_SIP","amount":999.95,"units":26.034,"balance":%d.217,"nav":38.4102,"dividend_rate":null,"additional_info":{"stamp_duty":0.05}}`, j%28+1, 100+j)
		}
		b.WriteString(`]}]}`)
	}
	b.WriteString(`],"insurance":{"life_insurance_policies":[]},"nps":[]}`)
	return []byte(b.String())
}

func BenchmarkDecodeStatement(b *testing.B) {
	document := synthetic(40, 25, 60)
	b.SetBytes(int64(len(document)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := casapi.DecodeStatement(document); err != nil {
			b.Fatal(err)
		}
	}
}
