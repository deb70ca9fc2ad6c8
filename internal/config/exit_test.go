package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestReport(t *testing.T) {
	t.Parallel()
	interrupted := fmt.Errorf("list objects: %w", context.Canceled)
	for name, test := range map[string]struct {
		err    error
		code   int
		stderr string
	}{
		"Done":             {nil, 0, ""},
		"Help":             {ErrHelp, 0, ""},
		"Failed":           {io.ErrUnexpectedEOF, 1, "prog: unexpected EOF\n"},
		"Usage":            {Usage(errors.New("bad flag")), 2, "prog: bad flag\n"},
		"UsageWrapped":     {fmt.Errorf("scan: %w", Usage(errors.New("bad flag"))), 2, "prog: scan: bad flag\n"},
		"SeveralFaults":    {Usage(errors.Join(errors.New("a"), errors.New("b"))), 2, "prog: a\nprog: b\n"},
		"UsageBeforeDead":  {errors.Join(ErrDead, Usage(errors.New("bad flag"))), 2, "prog: some documents are dead-lettered\nprog: bad flag\n"},
		"Dead":             {fmt.Errorf("%w: 3", ErrDead), 3, "prog: some documents are dead-lettered: 3\n"},
		"Interrupted":      {context.Canceled, 130, ""},
		"InterruptedTells": {fmt.Errorf("%w; 7 documents recorded so far", interrupted), 130, "prog: list objects: context canceled; 7 documents recorded so far\n"},
		"Deadline":         {context.DeadlineExceeded, 1, "prog: context deadline exceeded\n"},
		"PAN":              {errors.New("no key for ZZZPA0001Z"), 1, "prog: no key for ZZ*******Z\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stderr bytes.Buffer
			if got := Report(&stderr, "prog", test.err); got != test.code {
				t.Errorf("code = %d, want %d", got, test.code)
			}
			if got := stderr.String(); got != test.stderr {
				t.Errorf("stderr = %q, want %q", got, test.stderr)
			}
		})
	}
}

func TestUsage_Nil(t *testing.T) {
	t.Parallel()
	if err := Usage(nil); err != nil {
		t.Errorf("Usage(nil) = %v, want nil", err)
	}
}

func TestUsage_KeepsTheCause(t *testing.T) {
	t.Parallel()
	if err := Usage(fmt.Errorf("read: %w", io.EOF)); !errors.Is(err, io.EOF) || !errors.Is(err, ErrUsage) {
		t.Errorf("%v matches EOF: %t, ErrUsage: %t, want both", err, errors.Is(err, io.EOF), errors.Is(err, ErrUsage))
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	if err := Validate(goodAPI(), goodWorker(), S3{}); err != nil {
		t.Errorf("Validate = %v, want nil", err)
	}
	err := Validate(Postgres{}, S3{Endpoint: "x"}, goodWorker())
	want := "DATABASE_URL (--database-url): not set; give it as postgres://USER:PASSWORD@HOST:PORT/DATABASE\n" +
		`AWS_ENDPOINT_URL_S3 (--s3-endpoint): is "x"; expected http://HOST:PORT or https://HOST`
	if !errors.Is(err, ErrUsage) || err.Error() != want {
		t.Errorf("Validate = %v, want %s", err, want)
	}
}
