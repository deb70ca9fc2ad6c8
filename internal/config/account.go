package config

import (
	"errors"
	"log/slog"
	"time"
)

// Account says how a worker deals with the API's account and with calls whose
// outcome is not known.
type Account struct {
	// ProbeInterval is the first wait between probes. Defaults to 1m; at least 1s.
	ProbeInterval time.Duration `name:"probe-interval" env:"CASFLOW_PROBE_INTERVAL" default:"1m" help:"How often a paused account is probed at first; the wait doubles up to 15m."`
	// Unknown is retry or hold. Defaults to retry.
	Unknown string `name:"unknown" env:"CASFLOW_UNKNOWN" default:"retry" enum:"retry,hold" help:"What becomes of a document while the API's usage log cannot say whether an earlier call was billed: retry, or hold it as a dead letter."`
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (a Account) Faults() error {
	var faults []error
	if a.ProbeInterval < time.Second {
		faults = append(faults, fault("CASFLOW_PROBE_INTERVAL", "probe-interval", "is %s; expected at least 1s", a.ProbeInterval))
	}
	return errors.Join(faults...)
}

// LogValue shows the settings.
func (a Account) LogValue() slog.Value {
	return slog.GroupValue(slog.Duration("probe_interval", a.ProbeInterval), slog.String("unknown", a.Unknown))
}
