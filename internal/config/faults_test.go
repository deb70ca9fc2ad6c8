package config

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// notSet are the faults of a run for which nothing is set.
var notSet = []string{
	"DATABASE_URL (--database-url): not set; give it as postgres://USER:PASSWORD@HOST:PORT/DATABASE",
	"CASPARSER_API_KEY (--api-key): not set, nor is CASPARSER_API_KEY_FILE (--api-key-file); make a key in the API's dashboard",
}

func TestParse_Faults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		line      string
		variables map[string]string
		want      []string // beginning with those that cannot be read
	}{
		"EveryKindAtOnce": {
			"run --max-attempts=x --drain=perhaps",
			map[string]string{
				"CASFLOW_WINDOW": "abc", "CASPARSER_TIMEOUT": "90", "CASPARSER_UPLOAD": "ftp", "CASFLOW_LOG_LEVEL": "loud",
				"S3_FORCE_PATH_STYLE": "maybe", "CASFLOW_CONCURRENCY": "0",
			},
			append([]string{
				`CASFLOW_MAX_ATTEMPTS (--max-attempts): is "x"; expected a whole number`,
				`--drain: is "perhaps"; expected true or false`,
				`CASFLOW_LOG_LEVEL (--log-level): is "loud"; expected debug, info, warn or error`,
				`S3_FORCE_PATH_STYLE (--s3-force-path-style): is "maybe"; expected true or false`,
				`CASPARSER_TIMEOUT (--api-timeout): is "90"; expected a duration with its unit, such as 90s or 10m`,
				`CASPARSER_UPLOAD (--api-upload): is "ftp"; expected auto, multipart or url`,
				`CASFLOW_WINDOW (--window): is "abc"; expected a whole number`,
			}, append(notSet[:2:2], `CASFLOW_CONCURRENCY (--concurrency): is 0; expected at least 1`)...),
		},
		"SameFaultTwice": {
			"run --window=x --window=x", nil,
			append([]string{`CASFLOW_WINDOW (--window): is "x"; expected a whole number`}, notSet...),
		},
		"TooLarge": {
			"run",
			map[string]string{"CASFLOW_WINDOW": "99999999999999999999"},
			append([]string{`CASFLOW_WINDOW (--window): is "99999999999999999999"; expected a whole number`}, notSet...),
		},
		"LongValue": {
			"run",
			map[string]string{"CASFLOW_WINDOW": strings.Repeat("é", 200)},
			append([]string{`CASFLOW_WINDOW (--window): is "` + strings.Repeat("é", 80) + `"...; expected a whole number`}, notSet...),
		},
		"NoValue": {
			"run --window", nil,
			append([]string{`CASFLOW_WINDOW (--window): has no value; give it as --window=VALUE`}, notSet...),
		},
		"FlagForAValue": {
			"run --window --concurrency 0", nil,
			append([]string{`CASFLOW_WINDOW (--window): has no value; give it as --window=VALUE`},
				append(notSet[:2:2], `CASFLOW_CONCURRENCY (--concurrency): is 0; expected at least 1`)...),
		},
		"EmptyFlag": {
			"run --log-format= --window=", nil,
			append([]string{
				`CASFLOW_LOG_FORMAT (--log-format): is ""; expected auto, json or text`,
				`CASFLOW_WINDOW (--window): is ""; expected a whole number`,
			}, notSet...),
		},
		"UnknownFlag": {
			"run --widow=3",
			map[string]string{"CASFLOW_WINDOW": "abc"},
			[]string{
				`CASFLOW_WINDOW (--window): is "abc"; expected a whole number`,
				`unknown flag --widow, did you mean "--window"?; see prog run --help`,
			},
		},
		"UnknownFlagOfTheDefault": {
			"--concurrency 3 --widow=3",
			map[string]string{"CASFLOW_WINDOW": "abc", "CASFLOW_CONCURRENCY": "abc"},
			[]string{
				`CASFLOW_WINDOW (--window): is "abc"; expected a whole number`,
				`unknown flag --widow, did you mean "--window"?; see prog run --help`,
			},
		},
		"UnknownCommand": {
			"scna", nil,
			[]string{"unexpected argument scna; commands are run, scan, picky; see prog run --help"},
		},
		"ArgumentMissing": {
			"scan --queue fast --password-from", nil,
			[]string{
				`--queue: is "fast"; expected interactive or bulk`,
				"--password-from: has no value; give it as --password-from=VALUE",
				`expected "<s3://BUCKET>"; see prog scan --help`,
				notSet[0],
			},
		},
		"ArgumentTooMany": {
			"scan s3://b s3://c", nil,
			[]string{"unexpected argument s3://c; see prog scan --help"},
		},
		"CommandThatSaysWhatItNeeds": {
			"picky",
			map[string]string{"CASPARSER_TIMEOUT": "soon"},
			[]string{
				`CASPARSER_TIMEOUT (--api-timeout): is "soon"; expected a duration with its unit, such as 90s or 10m`,
				notSet[0],
			},
		},
		"VariableOfAnotherCommand": {
			"scan --limit=x s3://b",
			map[string]string{"CASFLOW_WINDOW": "abc", "DATABASE_URL": "postgres://h/db"},
			[]string{"--limit: is \"x\"; expected a whole number"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, out, err := parseTest(test.line, test.variables)
			if !errors.Is(err, ErrUsage) || ExitCode(err) != ExitUsage {
				t.Fatalf("err = %v, want one of usage", err)
			}
			if diff := cmp.Diff(test.want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
			if out != "" {
				t.Errorf("stdout = %q, want none", out)
			}
		})
	}
}

func TestParse_NoCommand(t *testing.T) {
	t.Parallel()
	var cli struct {
		List struct{} `cmd:"" help:"List."`
		Show struct{} `cmd:"" help:"Show."`
	}
	for line, want := range map[string]string{
		"":     `expected one of "list", "show"; see prog --help`,
		"lsit": `unexpected argument lsit, did you mean "list"?; see prog --help`,
		"--x":  `unknown flag --x; see prog --help`,
	} {
		_, err := parse("prog", "", &cli, strings.Fields(line), &strings.Builder{}, environment(nil))
		if !errors.Is(err, ErrUsage) || !strings.HasPrefix(err.Error(), strings.Split(want, ";")[0]) || !strings.HasSuffix(err.Error(), "; see prog --help") {
			t.Errorf("%q: err = %v, want %s", line, err, want)
		}
	}
}

func TestParse_OtherTypes(t *testing.T) {
	t.Parallel()
	var cli struct {
		Ages  []int `help:"Ages."`
		Small uint8 `default:"7" help:"Small."`
	}
	_, err := parse("prog", "", &cli, []string{"--ages=1,x", "--small=256"}, &strings.Builder{}, environment(nil))
	want := `--ages: is "1,x"; expected another form: expected a valid 64 bit int but got "x"` + "\n" +
		`--small: is "256"; expected a whole number`
	if !errors.Is(err, ErrUsage) || err.Error() != want {
		t.Errorf("err = %v, want %s", err, want)
	}
}
