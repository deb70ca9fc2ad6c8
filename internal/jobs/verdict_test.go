package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"testing"
	"time"

	"casflow/internal/casapi"
	"casflow/internal/storage"
)

// apiError is an error of the API's client with the given class.
func apiError(class error) *casapi.Error {
	return &casapi.Error{Endpoint: casapi.SmartParse, Class: class, RequestID: "req_1", Message: "made up"}
}

func buried(reason storage.Reason) verdict {
	return verdict{action: actBury, reason: reason, outcome: storage.OutcomeRefused}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	failed := verdict{action: actRetry, outcome: storage.OutcomeFailed}
	unknown := verdict{action: actRetry, outcome: storage.OutcomeUnknown}
	stall := verdict{action: actStall}
	notSure := apiError(casapi.ErrUnavailable)
	notSure.OutcomeUnknown = true
	for name, test := range map[string]struct {
		err  error
		want verdict
	}{
		// What the API said.
		"BadRequest":          {apiError(casapi.ErrBadRequest), buried(storage.ReasonBadRequest)},
		"Unauthorized":        {apiError(casapi.ErrUnauthorized), buried(storage.ReasonUnauthorized)},
		"InsufficientCredits": {apiError(casapi.ErrInsufficientCredits), buried(storage.ReasonInsufficientCredits)},
		"Forbidden":           {apiError(casapi.ErrForbidden), buried(storage.ReasonForbidden)},
		"NotFound":            {apiError(casapi.ErrNotFound), buried(storage.ReasonBadRequest)},
		"WrongPassword":       {apiError(casapi.ErrWrongPassword), buried(storage.ReasonWrongPassword)},
		"Unprocessable":       {apiError(casapi.ErrUnprocessable), buried(storage.ReasonUnprocessable)},
		"NotPDF":              {apiError(casapi.ErrNotPDF), buried(storage.ReasonNotAPDF)},
		"TooLarge":            {apiError(casapi.ErrTooLarge), buried(storage.ReasonTooLarge)},
		"BadAnswer":           {apiError(casapi.ErrBadAnswer), buried(storage.ReasonBadAnswer)},
		"RateLimited":         {apiError(casapi.ErrRateLimited), verdict{action: actThrottle, outcome: storage.OutcomeThrottled, delay: throttleWait}},
		"Unavailable":         {apiError(casapi.ErrUnavailable), failed},
		"Source":              {apiError(casapi.ErrSource), failed},
		"UnknownOutcome":      {notSure, unknown},
		"NewClass":            {apiError(errors.New("a class of the future")), failed},

		// What the processor found.
		"Shutdown":        {errShutdown, verdict{action: actRelease}},
		"Paused":          {storage.ErrPaused, verdict{action: actRelease}},
		"Budget":          {storage.ErrBudget, verdict{action: actRelease, delay: budgetWait}},
		"Panic":           {errPanic, buried(storage.ReasonCrashed)},
		"Empty":           {errEmpty, buried(storage.ReasonNotAPDF)},
		"NoPDFAtAll":      {errNotPDF, buried(storage.ReasonNotAPDF)},
		"ObjectTooLarge":  {errTooLarge, buried(storage.ReasonTooLarge)},
		"ObjectChanged":   {ErrObjectChanged, buried(storage.ReasonObjectChanged)},
		"ObjectMissing":   {missing(fs.ErrNotExist), buried(storage.ReasonObjectMissing)},
		"MissingPAN":      {errMissingPAN, buried(storage.ReasonMissingPAN)},
		"NoStatement":     {errBadAnswer, buried(storage.ReasonBadAnswer)},
		"RefusedByLedger": {storage.ErrRefused, buried(storage.ReasonBadAnswer)},
		"Sealed":          {storage.ErrSealed, buried(storage.ReasonWrongPassword)},

		// Trouble of casflow's own parts is not the document's fault.
		"NoPermit":         {errNoPermit, stall},
		"Deadline":         {context.DeadlineExceeded, stall},
		"Canceled":         {context.Canceled, stall},
		"ConnectionBroken": {io.ErrUnexpectedEOF, stall},
		"Unheard":          {errors.New("unheard of"), stall},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for form, err := range map[string]error{
				"as it is": test.err,
				"wrapped":  fmt.Errorf("a: %w", fmt.Errorf("b: %w", test.err)),
				"joined":   errors.Join(test.err, errors.New("closing failed too")),
			} {
				if got := judge(err); got != test.want {
					t.Errorf("judge(%s) = %+v, want %+v", form, got, test.want)
				}
			}
		})
	}
}

// TestJudge_First shows which of two errors decides.
func TestJudge_First(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		want verdict
	}{
		// The answer was paid for and is no statement; that keeping it failed as well changes nothing.
		"BadAnswerNotKept": {errors.Join(apiError(casapi.ErrBadAnswer), errors.New("ledger is away")), buried(storage.ReasonBadAnswer)},
		"MissingPANRefused": {
			errors.Join(errMissingPAN, fmt.Errorf("keep: %w", storage.ErrRefused)), buried(storage.ReasonMissingPAN),
		},
		// A shutdown while waiting says nothing of the document.
		"ShutdownFirst": {errors.Join(errors.New("wait"), errShutdown), verdict{action: actRelease}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := judge(test.err); got != test.want {
				t.Errorf("judge() = %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestJudge_RetryAfter(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		class error
		after time.Duration
		has   bool
		want  time.Duration
	}{
		"Throttled/Silent":    {casapi.ErrRateLimited, 0, false, time.Minute},
		"Throttled/Said":      {casapi.ErrRateLimited, 7 * time.Second, true, 7 * time.Second},
		"Throttled/Long":      {casapi.ErrRateLimited, time.Hour, true, time.Hour},
		"Throttled/AtOnce":    {casapi.ErrRateLimited, 0, true, time.Second}, // a 429 never means at once
		"Unavailable/Silent":  {casapi.ErrUnavailable, 0, false, 0},
		"Unavailable/Said":    {casapi.ErrUnavailable, 7 * time.Second, true, 7 * time.Second},
		"Unprocessable/Said":  {casapi.ErrUnprocessable, 7 * time.Second, true, 0}, // dead is dead
		"Unavailable/Unknown": {casapi.ErrUnavailable, time.Second, true, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := apiError(test.class)
			err.RetryAfter, err.HasRetryAfter = test.after, test.has
			if got := judge(err).delay; got != test.want {
				t.Errorf("delay %s, want %s", got, test.want)
			}
		})
	}
}

// longest and shortest take the chance away from a Backoff.
func longest(n int64) int64 { return n - 1 }

func shortest(int64) int64 { return 0 }

func TestBackoff_Delay(t *testing.T) {
	t.Parallel()
	const base, most = 2 * time.Second, 10 * time.Minute
	for tries, want := range map[int]time.Duration{
		-1: base, 0: base, 1: base, 2: 2 * base, 3: 4 * base, 4: 8 * base, 9: 256 * base,
		10: most, 11: most, 61: most, 62: most, 63: most, 64: most, 65: most, 1 << 20: most, math.MaxInt: most,
	} {
		if got := (Backoff{Base: base, Max: most, Jitter: longest}).Delay(tries); got != want {
			t.Errorf("longest Delay(%d) = %s, want %s", tries, got, want)
		}
		if got := (Backoff{Base: base, Max: most, Jitter: shortest}).Delay(tries); got != 1 {
			t.Errorf("shortest Delay(%d) = %s, want next to nothing", tries, got)
		}
	}
}

func TestBackoff_DelayOfOddConfigs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		backoff Backoff
		want    time.Duration
	}{
		"BaseAboveMax": {Backoff{Base: time.Hour, Max: time.Minute}, time.Minute},
		"BaseIsMax":    {Backoff{Base: time.Minute, Max: time.Minute}, time.Minute},
		"Nothing":      {Backoff{}, 0},
		"Endless":      {Backoff{Base: time.Second, Max: math.MaxInt64}, 1 << 9 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.backoff.Jitter = longest
			if got := test.backoff.Delay(10); got != test.want {
				t.Errorf("Delay(10) = %s, want %s", got, test.want)
			}
		})
	}
}

// TestBackoff_DelayByChance shows the bounds of the random draw.
func TestBackoff_DelayByChance(t *testing.T) {
	t.Parallel()
	backoff := Backoff{Base: time.Second, Max: time.Minute}
	differs := false
	for tries := 1; tries < 100; tries++ {
		ceiling := time.Minute
		if tries <= 6 {
			ceiling = time.Second << (tries - 1)
		}
		first, second := backoff.Delay(tries), backoff.Delay(tries)
		for _, got := range []time.Duration{first, second} {
			if got <= 0 || got > ceiling {
				t.Errorf("Delay(%d) = %s, want more than nothing and at most %s", tries, got, ceiling)
			}
		}
		differs = differs || first != second
	}
	if !differs {
		t.Error("documents that failed together come back together")
	}
}
