package samples_test

import (
	"bytes"
	"io"
	"slices"
	"testing"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"

	"casflow/internal/samples"
)

func TestMain(m *testing.M) {
	api.DisableConfigDir() // pdfcpu would write one into the home directory
	m.Run()
}

// withPassword is pdfcpu's configuration to open a file.
func withPassword(password string) *model.Configuration {
	conf := model.NewDefaultConfiguration()
	conf.UserPW = password
	return conf
}

func TestSample_PDF(t *testing.T) {
	t.Parallel()
	for _, s := range first(t, samples.Options{Investors: 6, Seed: 21, MaxBytes: 60_000}, 6) {
		t.Run(s.Filename, func(t *testing.T) {
			t.Parallel()
			pdf := pdfOf(t, s)
			if err := api.Validate(bytes.NewReader(pdf), withPassword(s.Password)); err != nil {
				t.Errorf("validate: %v", err)
			}
			pages, err := api.PageCount(bytes.NewReader(pdf), withPassword(s.Password))
			if err != nil || pages < 3 {
				t.Errorf("pages = %d, %v; want 3 or more", pages, err)
			}
			attachments, err := api.ExtractAttachmentsRaw(bytes.NewReader(pdf), "",
				[]string{samples.AttachmentName}, withPassword(s.Password))
			if err != nil || len(attachments) != 1 {
				t.Fatalf("%d attachments, %v; want 1", len(attachments), err)
			}
			got, err := io.ReadAll(attachments[0])
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, s.Answer) {
				t.Errorf("the attachment is not the answer: %d bytes, want %d", len(got), len(s.Answer))
			}
		})
	}
}

func TestSample_PDF_WrongPassword(t *testing.T) {
	t.Parallel()
	two := first(t, samples.Options{Investors: 2, Seed: 21, MaxBytes: 60_000}, 2)
	pdf := pdfOf(t, two[0])
	for _, password := range []string{"", two[1].Password, "zzzp"} {
		if err := api.Validate(bytes.NewReader(pdf), withPassword(password)); err == nil {
			t.Error("a wrong password opens the file")
		}
	}
	for _, secret := range []string{two[0].PAN, two[0].Name, "INE0ZZ", "SAMPLE", samples.AttachmentName} {
		if bytes.Contains(pdf, []byte(secret)) {
			t.Error("the file tells its content without the password")
		}
	}
}

func TestSample_PDF_NotGenerated(t *testing.T) {
	t.Parallel()
	if _, err := new(samples.Sample).PDF(); err == nil {
		t.Error("PDF() of an empty sample gave no error")
	}
}

func TestSample_PDF_Size(t *testing.T) {
	t.Parallel()
	sizes := func(o samples.Options) []int {
		var out []int
		for s := range samples.Generate(o) {
			out = append(out, len(pdfOf(t, s)))
		}
		slices.Sort(out)
		return out
	}
	for _, c := range []struct {
		name      string
		options   samples.Options
		low, high int
	}{
		{"Default", samples.Options{Investors: 150, Seed: 4}, 50_000, 3_000_000},
		{"Small", samples.Options{Investors: 12, Seed: 4, MinBytes: 40_000, MaxBytes: 40_000}, 40_000, 40_000},
		{"MaxAlone", samples.Options{Investors: 12, Seed: 4, MaxBytes: 45_000}, 45_000, 45_000},
		{"MinAlone", samples.Options{Investors: 3, Seed: 4, MinBytes: 4_000_000}, 4_000_000, 4_000_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := sizes(c.options)
			// Whole rows of tiles are left out, and some room for the trailer.
			if least, most := got[0], got[len(got)-1]; least < c.low-c.low/20 || most > c.high {
				t.Errorf("sizes are %d to %d, want %d to %d", least, most, c.low, c.high)
			}
			if c.name == "Default" {
				if median := got[len(got)/2]; median > 200_000 {
					t.Errorf("median size is %d, want less than 200000", median)
				}
				if got[len(got)-1] < 600_000 {
					t.Errorf("largest of %d is %d: no long tail", len(got), got[len(got)-1])
				}
			}
		})
	}
}

func BenchmarkSample_PDF(b *testing.B) {
	for s := range samples.Generate(samples.Options{Investors: 1, Seed: 1, MinBytes: 50_000, MaxBytes: 50_000}) {
		b.ReportAllocs()
		for b.Loop() {
			pdf, err := s.PDF()
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(pdf)))
		}
	}
}

func BenchmarkGenerate(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		for s := range samples.Generate(samples.Options{Investors: 30, Seed: 1}) {
			_ = s
		}
	}
}
