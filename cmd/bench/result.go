package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
)

// result is one figure next to what the machine can do at its best.
type result struct {
	Name  string   `json:"name"`
	Value float64  `json:"value"`
	Unit  string   `json:"unit"`
	Floor *float64 `json:"floor"`  // in the same unit; null: there is none
	Ratio *float64 `json:"ratio"`  // value to floor
	Goal  *float64 `json:"target"` // of the ratio, or where there is no floor of the value; of memory per call of the value; null: none
	OK    bool     `json:"ok"`

	atMost bool // the target is one not to be exceeded
}

// figure is a result without floor and target.
func figure(name string, value float64, unit string) result {
	return result{Name: name, Value: value, Unit: unit, OK: true}
}

// over puts the result next to its floor.
func (r result) over(floor float64) result {
	r.Floor = &floor
	if floor != 0 {
		ratio := r.Value / floor
		r.Ratio = &ratio
	}
	return r
}

// atLeast and below judge the ratio, or the value where there is no floor.
func (r result) atLeast(target float64) result {
	r.Goal, r.OK = &target, r.judged() >= target
	return r
}

func (r result) below(target float64) result {
	r.Goal, r.OK, r.atMost = &target, r.judged() <= target, true
	return r
}

// valueBelow judges the value although there is a floor.
func (r result) valueBelow(target float64) result {
	r.Goal, r.OK, r.atMost = &target, r.Value <= target, true
	return r
}

func (r result) judged() float64 {
	if r.Ratio != nil {
		return *r.Ratio
	}
	return r.Value
}

// table shows results as they come.
type table struct{ to io.Writer }

const lineForm = "%-44s %12s %-18s %12s %8s  %-10s %s\n"

func newTable(to io.Writer) table {
	t := table{to}
	t.line("what", "measured", "unit", "floor", "ratio", "target", "")
	return t
}

// line writes a line. What cannot be shown is in the file.
func (t table) line(fields ...any) { _, _ = fmt.Fprintf(t.to, lineForm, fields...) }

func (t table) add(r result) {
	target, verdict := "", ""
	if r.Goal != nil {
		sign := ">= "
		if r.atMost {
			sign = "<= "
		}
		target, verdict = sign+short(r.Goal), "ok"
	}
	if !r.OK {
		verdict = "MISSED"
	}
	t.line(r.Name, short(&r.Value), r.Unit, short(r.Floor), short(r.Ratio), target, verdict)
}

// short is a number with three digits or more; "-" for none.
func short(n *float64) string {
	switch {
	case n == nil:
		return "-"
	case *n >= 100:
		return strconv.FormatFloat(*n, 'f', 0, 64)
	default:
		return strconv.FormatFloat(*n, 'g', 3, 64)
	}
}

func write(file string, results []result) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(results); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return nil
}
