package config

import (
	"testing"
	"time"
)

func TestAccount_Faults(t *testing.T) {
	t.Parallel()
	const floor = "CASFLOW_INTERACTIVE_FLOOR (--interactive-floor): is "
	for name, test := range map[string]struct {
		daily, floor int
		want         string
	}{
		"NoCap":     {0, 0, ""},
		"AllFloor":  {5, 5, ""},
		"Negative":  {-1, 0, "CASFLOW_DAILY_CREDITS (--daily-credits): is -1; expected 0 (no cap) or more"},
		"BelowZero": {5, -1, floor + "-1; expected 0 to CASFLOW_DAILY_CREDITS, which is 5"},
		"NoDay":     {0, 1, floor + "1; expected 0 to CASFLOW_DAILY_CREDITS, which is 0"},
		"Above":     {5, 6, floor + "6; expected 0 to CASFLOW_DAILY_CREDITS, which is 5"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := Account{ProbeInterval: time.Second, DailyCredits: test.daily, InteractiveFloor: test.floor}.Faults()
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("Faults() = %q, want %q", got, test.want)
			}
		})
	}
}
