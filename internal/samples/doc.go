// Package samples makes PDFs of Consolidated Account Statements, and of brokers'
// contract notes, that look and behave like real ones and are plainly made up:
// encrypted with the investor's PAN, several pages of accounts, folios, holdings
// and transactions, and of realistic size.
//
// Each sample carries the answer the CAS Parser API would give for it as an
// embedded file named [AttachmentName], so that a stand-in API can "parse" the
// PDF truthfully, and as a [Statement] or [ContractNote], the oracle that stored
// rows are held against. The package therefore shares no code with what it tests.
//
//	for s := range samples.Generate(samples.Options{Investors: 3, Months: 2, Seed: 1}) {
//		pdf, err := s.PDF() // opens with s.Password
//		...
//	}
//
// Everything is derived from [Options]: the same options give the same bytes.
// No person, company, fund or account in a sample exists: PANs start with
// ZZZP, ISINs with INE0ZZ, INF0ZZ or IN00209, folio numbers with 7700, demat
// accounts with 12999900 or IN399999 and PRANs with 11999900.
package samples
