package jobs

import "strconv"

// credits notes what a call cost and what is left, as far as the API said it;
// both are decimal text.
func (m *Metrics) credits(spent, left string) {
	if f, err := strconv.ParseFloat(spent, 64); err == nil && f > 0 && isDecimal(spent) {
		m.creditsSpent.Add(f)
	}
	if isDecimal(left) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.heard = left
	}
}

// takeHeard returns how many credits are left, as an answer has said since it was
// called last; "" where none did.
func (m *Metrics) takeHeard() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	heard := m.heard
	m.heard = ""
	return heard
}

// hearAgain gives back what takeHeard returned, unless something newer was heard.
func (m *Metrics) hearAgain(left string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.heard == "" {
		m.heard = left
	}
}

// isDecimal tells a number from words that only look like one to a program, such as
// NaN or 0x1.
func isDecimal(text string) bool {
	digits := 0
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r != '-' && r != '+' && r != '.' && r != 'e' && r != 'E':
			return false
		}
	}
	_, err := strconv.ParseFloat(text, 64)
	return digits > 0 && err == nil
}
