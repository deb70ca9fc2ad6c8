package retrieve

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"casflow/internal/casapi"
	"casflow/internal/jobs"
	"casflow/internal/storage"
)

const goodPDF = "%PDF-1.7 and so on"

// attempt is how a download goes: so much is written, then it ends with the error.
type attempt struct {
	text string
	err  error
}

// playing is a downloader that goes by a script, of which the last line is repeated.
type playing struct {
	script []attempt
	asked  int
}

func (p *playing) Download(_ context.Context, _ casapi.File, into io.Writer) (int64, error) {
	next := p.script[min(p.asked, len(p.script)-1)]
	p.asked++
	n, err := io.WriteString(into, next.text)
	if err != nil {
		return int64(n), errors.Join(errors.New("write file"), err)
	}
	return int64(n), next.err
}

func failing(class error, change ...func(*casapi.Error)) error {
	failure := &casapi.Error{Endpoint: "file", Class: class}
	for _, c := range change {
		c(failure)
	}
	return failure
}

func TestFetcher_Fetch(t *testing.T) {
	t.Parallel()
	cut := attempt{goodPDF[:12], failing(casapi.ErrUnavailable)}
	good := attempt{goodPDF, nil}
	slow := failing(casapi.ErrRateLimited, func(e *casapi.Error) { e.RetryAfter, e.HasRetryAfter = 7*time.Second, true })
	later := failing(casapi.ErrRateLimited, func(e *casapi.Error) { e.RetryAfter, e.HasRetryAfter = time.Hour, true })
	for name, test := range map[string]struct {
		script []attempt
		want   error // nil: the PDF
		asked  int
		took   time.Duration
	}{
		"AtOnce":      {[]attempt{good}, nil, 1, 0},
		"BrokenOff":   {[]attempt{cut, cut, good}, nil, 3, 1500 * time.Millisecond},
		"BrokenEver":  {[]attempt{cut}, casapi.ErrUnavailable, 3, 1500 * time.Millisecond},
		"RateLimited": {[]attempt{{"", slow}, good}, nil, 2, 7 * time.Second},
		"AskedLong":   {[]attempt{{"", later}, good}, nil, 2, time.Minute},
		"Gone":        {[]attempt{{"", failing(casapi.ErrNotFound)}}, casapi.ErrNotFound, 1, 0},
		"Refused":     {[]attempt{{"", failing(casapi.ErrBadRequest)}}, casapi.ErrBadRequest, 1, 0},
		"TooLarge":    {[]attempt{{"", failing(casapi.ErrTooLarge)}}, casapi.ErrTooLarge, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				api, began := &playing{script: test.script}, time.Now()
				pdf, err := Fetcher{API: api}.Fetch(t.Context(), casapi.File{})
				if !errors.Is(err, test.want) || api.asked != test.asked || time.Since(began) != test.took {
					t.Errorf("got %v after %d tries and %v, want %v, %d, %v", err, api.asked, time.Since(began), test.want, test.asked, test.took)
				}
				if err != nil {
					return
				}
				if text, err := io.ReadAll(pdf.Body()); err != nil || string(text) != goodPDF || pdf.SHA256() != sha256.Sum256([]byte(goodPDF)) {
					t.Errorf("got %q, %v", text, err)
				}
				if err := pdf.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// What does not want more of a file says why, and not that it stopped.
func TestFetcher_Fetch_Unfit(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]storage.Reason{
		"<html>" + strings.Repeat("x", 100_000):  storage.ReasonNotAPDF,
		"":                                       storage.ReasonNotAPDF,
		goodPDF + strings.Repeat("x", 11<<20):    storage.ReasonTooLarge,
		strings.Repeat("x", 2000) + "%PDF-1.7\n": storage.ReasonNotAPDF,
	} {
		_, err := Fetcher{API: &playing{script: []attempt{{text, nil}}}}.Fetch(t.Context(), casapi.File{})
		if unfit, ok := errors.AsType[*jobs.UnfitError](err); !ok || unfit.Reason != want {
			t.Errorf("%.10q: got %v, want %s", text, err, want)
		}
	}
}

// Whoever is told to stop does not wait.
func TestFetcher_Fetch_Stopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began := time.Now()
		_, err := Fetcher{API: &playing{script: []attempt{{"", failing(casapi.ErrUnavailable)}}}}.Fetch(ctx, casapi.File{})
		if !errors.Is(err, casapi.ErrUnavailable) || time.Since(began) != 0 {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
	})
}
