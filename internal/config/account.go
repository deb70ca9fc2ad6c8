package config

import (
	"errors"
	"log/slog"
	"time"
)

// Account says how a worker deals with the API's account, with calls whose outcome
// is not known, and what may be spent.
type Account struct {
	// ProbeInterval is the first wait between probes. Defaults to 1m; at least 1s.
	ProbeInterval time.Duration `name:"probe-interval" env:"CASFLOW_PROBE_INTERVAL" default:"1m" help:"How often a paused account is probed at first; the wait doubles up to 15m."`
	// Unknown is retry or hold. Defaults to retry.
	Unknown string `name:"unknown" env:"CASFLOW_UNKNOWN" default:"retry" enum:"retry,hold" help:"What becomes of a document while the API's usage log cannot say whether an earlier call was billed: retry, or hold it as a dead letter."`
	// DailyCredits is in calls per day (India) of the whole fleet. Defaults to 0: no cap.
	DailyCredits int `name:"daily-credits" env:"CASFLOW_DAILY_CREDITS" default:"0" help:"Credits that all workers together may spend in a day (India); 0 is no cap. Give all workers the same."`
	// InteractiveFloor is in credits. Defaults to 0; at most DailyCredits.
	InteractiveFloor int `name:"interactive-floor" env:"CASFLOW_INTERACTIVE_FLOOR" default:"0" help:"How many of the daily credits, the last ones, bulk may not use."`
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (a Account) Faults() error {
	var faults []error
	if a.ProbeInterval < time.Second {
		faults = append(faults, fault("CASFLOW_PROBE_INTERVAL", "probe-interval", "is %s; expected at least 1s", a.ProbeInterval))
	}
	if a.DailyCredits < 0 {
		faults = append(faults, fault("CASFLOW_DAILY_CREDITS", "daily-credits", "is %d; expected 0 (no cap) or more", a.DailyCredits))
	}
	if most := max(0, a.DailyCredits); a.InteractiveFloor < 0 || a.InteractiveFloor > most {
		faults = append(faults, fault("CASFLOW_INTERACTIVE_FLOOR", "interactive-floor",
			"is %d; expected 0 to CASFLOW_DAILY_CREDITS, which is %d", a.InteractiveFloor, a.DailyCredits))
	}
	return errors.Join(faults...)
}

// LogValue shows the settings.
func (a Account) LogValue() slog.Value {
	return slog.GroupValue(slog.Duration("probe_interval", a.ProbeInterval), slog.String("unknown", a.Unknown),
		slog.Int("daily_credits", a.DailyCredits), slog.Int("interactive_floor", a.InteractiveFloor))
}
