package casapi

// Each object of the statement keeps what stood in its place, see Extra.

func (s *Statement) misread(raw Value)       { s.Extra = misplaced(raw) }
func (m *Meta) misread(raw Value)            { m.Extra = misplaced(raw) }
func (s *StatementPeriod) misread(raw Value) { s.Extra = misplaced(raw) }
func (i *Investor) misread(raw Value)        { i.Extra = misplaced(raw) }
func (s *Summary) misread(raw Value)         { s.Extra = misplaced(raw) }
func (s *SummaryAccounts) misread(raw Value) { s.Extra = misplaced(raw) }
func (s *SummaryAccount) misread(raw Value)  { s.Extra = misplaced(raw) }
func (l *LinkedHolder) misread(raw Value)    { l.Extra = misplaced(raw) }
func (t *Transaction) misread(raw Value)     { t.Extra = misplaced(raw) }
func (t *TransactionInfo) misread(raw Value) { t.Extra = misplaced(raw) }
func (d *DematAccount) misread(raw Value)    { d.Extra = misplaced(raw) }
func (d *DematInfo) misread(raw Value)       { d.Extra = misplaced(raw) }
func (h *Holdings) misread(raw Value)        { h.Extra = misplaced(raw) }
func (h *Holding) misread(raw Value)         { h.Extra = misplaced(raw) }
func (h *HoldingInfo) misread(raw Value)     { h.Extra = misplaced(raw) }
func (f *Folio) misread(raw Value)           { f.Extra = misplaced(raw) }
func (f *FolioInfo) misread(raw Value)       { f.Extra = misplaced(raw) }
func (s *Scheme) misread(raw Value)          { s.Extra = misplaced(raw) }
func (g *Gain) misread(raw Value)            { g.Extra = misplaced(raw) }
func (s *SchemeInfo) misread(raw Value)      { s.Extra = misplaced(raw) }
func (i *Insurance) misread(raw Value)       { i.Extra = misplaced(raw) }
func (p *Policy) misread(raw Value)          { p.Extra = misplaced(raw) }
func (n *NPSAccount) misread(raw Value)      { n.Extra = misplaced(raw) }
func (n *NPSFund) misread(raw Value)         { n.Extra = misplaced(raw) }
func (n *NPSFundInfo) misread(raw Value)     { n.Extra = misplaced(raw) }
func (f *FreeInfo) misread(raw Value)        { f.Extra = misplaced(raw) }

// misplaced holds a value that stood where an object should have been.
func misplaced(raw Value) Extra { return Extra{Misplaced: raw} }
