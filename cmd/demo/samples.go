package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"

	"casflow/internal/config"
	"casflow/internal/samples"
)

type samplesCommand struct {
	Dir       string `arg:"" help:"Folder to write into; made if need be."`
	Investors int    `default:"10" help:"Number of investors."`
	Months    int    `default:"3" help:"Statements per investor."`
	Seed      uint64 `default:"1" help:"The same seed gives the same bytes."`

	ContractNotes bool `help:"Write contract notes too: one a month for each investor."`
}

func (c *samplesCommand) Run(console *console) error {
	if c.Investors < 1 || c.Months < 1 {
		return config.Usage(fmt.Errorf("--investors is %d and --months %d; expected at least 1 each", c.Investors, c.Months))
	}
	if err := os.MkdirAll(c.Dir, 0o750); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	options := samples.Options{Investors: c.Investors, Months: c.Months, Seed: c.Seed}
	var m manifest
	if err := c.write(samples.Generate(options), &m); err != nil {
		return err
	}
	what := "statements"
	if c.ContractNotes {
		what = "statements and contract notes"
		if err := c.write(samples.GenerateContractNotes(options), &m); err != nil {
			return err
		}
	}
	if err := m.write(filepath.Join(c.Dir, "manifest.csv")); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(console.out, "%d %s and manifest.csv in %s; the password of each is its PAN\n", len(m.rows), what, c.Dir); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

func (c *samplesCommand) write(all iter.Seq[*samples.Sample], m *manifest) error {
	for sample := range all {
		pdf, err := sample.PDF()
		if err != nil {
			return fmt.Errorf("make sample: %w", err)
		}
		if err := os.WriteFile(filepath.Join(c.Dir, sample.Filename), pdf, 0o600); err != nil {
			return fmt.Errorf("write sample: %w", err)
		}
		m.add(sample.Filename, sample.Password)
	}
	return nil
}

// manifest lists object keys and passwords, as enqueuer reads them.
type manifest struct{ rows [][]string }

func (m *manifest) add(key, password string) { m.rows = append(m.rows, []string{key, password}) }

func (m *manifest) write(file string) (err error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := csv.NewWriter(f)
	if err := w.WriteAll(append([][]string{{"key", "password"}}, m.rows...)); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	return nil
}
