package sandbox

import (
	"testing"

	"casflow/internal/samples"
)

// statement is a sample PDF, encrypted with its password, and its answer.
type statement struct {
	pdf, answer []byte
	password    string
}

// cdsl and the others are statements of each type; number tells them apart.
func cdsl(t *testing.T, number int) statement {
	t.Helper()
	return newStatement(t, samples.SourceCDSL, number)
}

func nsdl(t *testing.T, number int) statement {
	t.Helper()
	return newStatement(t, samples.SourceNSDL, number)
}

func mutual(t *testing.T, number int) statement {
	t.Helper()
	return newStatement(t, samples.SourceCAMSKFintech, number)
}

func newStatement(t *testing.T, source samples.Source, number int) statement {
	t.Helper()
	options := samples.Options{Investors: 3, Seed: uint64(number), MinBytes: 20_000, MaxBytes: 40_000}
	for sample := range samples.Generate(options) {
		if sample.Source != source {
			continue
		}
		pdf, err := sample.PDF()
		if err != nil {
			t.Fatal(err)
		}
		return statement{pdf: pdf, answer: sample.Answer, password: sample.Password}
	}
	t.Fatalf("no sample of %s", source)
	return statement{}
}
