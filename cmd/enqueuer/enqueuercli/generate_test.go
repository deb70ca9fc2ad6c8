package enqueuercli_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/casapi/sandbox"
)

const mailbackPassword = hush + "-mailback#1A"

func (o office) generate(t *testing.T, flags ...string) result {
	t.Helper()
	return o.call(t, append([]string{
		"generate", "--email", "zed@example.invalid", "--from", "2025-04-01", "--until", "2025-04-30", "--mailback-password-file", secretFile(t, mailbackPassword),
	}, flags...)...)
}

func TestGenerate(t *testing.T) {
	t.Parallel()
	o := setupOffice(t)
	if text := o.generate(t, "--pan", "zzzpz0000z").wantDone(t); text != "CAS request submitted. The statement will be sent to the investor's email.\n" {
		t.Errorf("generate tells %q", text)
	}
	want := []sandbox.Mailback{{
		Path: sandbox.KFintechGenerate, Email: "zed@example.invalid", From: "2025-04-01", To: "2025-04-30", PAN: "ZZZPZ0000Z", Password: mailbackPassword,
	}}
	if diff := cmp.Diff(want, o.api.Mailbacks()); diff != "" {
		t.Errorf("mails (-want +got):\n%s", diff)
	}
	type done struct {
		Message     string  `json:"message"`
		RequestID   string  `json:"request_id"`
		CreditsUsed *string `json:"credits_used"`
	}
	if got := decode[done](t, o.generate(t, "--json").wantDone(t)); got.Message == "" || !strings.HasPrefix(got.RequestID, "req_") {
		t.Errorf("generate --json tells %+v", got)
	}
	o.wantLeft(t, "4")
}

// A request that fails is made once: a mail may be on its way.
func TestGenerate_Lost(t *testing.T) {
	t.Parallel()
	o := setupOffice(t)
	o.api.FailPath(sandbox.KFintechGenerate, sandbox.Fault{Status: 504})
	o.generate(t).wantFaults(t, 1, "/v4/kfintech/generate: unavailable, outcome unknown: status 504...; a statement may be on its way all the same")
	if got := o.api.Mailbacks(); len(got) != 0 {
		t.Errorf("%d mails are on their way, want none: it was asked for again", len(got))
	}
	o.api.FailPath(sandbox.KFintechGenerate, sandbox.Fault{Status: 404}) // an API that has the newer path alone
	o.generate(t).wantDone(t)
	if got := o.api.Mailbacks(); len(got) != 1 || got[0].Path != sandbox.Generate {
		t.Errorf("mails: %+v, want one by the newer path", got)
	}
}

func TestGenerate_Usage(t *testing.T) {
	t.Parallel()
	o := setupOffice(t)
	o.call(t, "generate", "--email", "Zed <zed@example.invalid>", "--from", "2025-04-30", "--until", "2025-04-01", "--pan", "ZZZ").wantFaults(t, 2,
		"--email: is not an e-mail address", "--until: is not on or after --from", "--pan: is not a PAN")
	o.call(t, "generate", "--password", mailbackPassword).wantFaults(t, 2, "unknown flag --password; see enqueuer generate --help")
}

// The password by standard input and by its variable, as the program takes it.
func TestGenerate_Password(t *testing.T) {
	t.Parallel()
	o := setupOffice(t)
	for name, test := range map[string]struct{ stdin, variable, says string }{
		"Input":    {stdin: mailbackPassword + "\nmore"},
		"Variable": {variable: mailbackPassword},
		"None":     {stdin: "\n", says: "enqueuer: CASPARSER_MAILBACK_PASSWORD: not set, nor is CASPARSER_MAILBACK_PASSWORD_FILE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command, _ := program(t, append([]string{"generate", "--email", "zed@example.invalid", "--from", "2025-04-01", "--until", "2025-04-30"}, o.account()...)...)
			command.Stdin = strings.NewReader(test.stdin)
			command.Env = append(command.Env, "CASPARSER_MAILBACK_PASSWORD="+test.variable)
			output, err := command.CombinedOutput()
			if (err == nil) != (test.says == "") || !strings.HasPrefix(string(output), test.says) || strings.Contains(string(output), hush) {
				t.Errorf("%v, output %q, want %q", err, output, test.says)
			}
		})
	}
	t.Cleanup(func() {
		for _, mail := range o.api.Mailbacks() {
			if mail.Password != mailbackPassword {
				t.Errorf("a mail is locked with %q", mail.Password)
			}
		}
	})
}
