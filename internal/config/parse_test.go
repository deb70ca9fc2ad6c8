package config

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"casflow/internal/redact"
)

// testCLI is a program with all groups, as worker has them, and with the kinds of
// flags and arguments that the others add.
type testCLI struct {
	Run     testRun          `cmd:"" default:"withargs" help:"Run."`
	Scan    testScan         `cmd:"" help:"Scan."`
	Picky   testPicky        `cmd:"" help:"Say itself what it needs."`
	Version kong.VersionFlag `help:"Print the version."`
}

type testRun struct {
	Log       Log       `embed:""`
	Postgres  Postgres  `embed:""`
	Redis     Redis     `embed:""`
	S3        S3        `embed:""`
	API       API       `embed:""`
	SecretKey SecretKey `embed:""`
	Worker    Worker    `embed:""`
	Drain     bool      `help:"End when done."`
}

type testIntake struct {
	Postgres     Postgres `embed:""`
	PasswordFrom []string `sep:"none" help:"Passwords."`
}

type testScan struct {
	Source     string `arg:"" name:"s3://BUCKET" help:"Where."`
	testIntake `embed:""`
	Queue      string        `default:"bulk" enum:"interactive,bulk" help:"Queue."`
	Limit      int           `help:"Most."`
	Every      time.Duration `default:"2s" help:"How often."`
}

type testPicky struct {
	Postgres Postgres `embed:""`
	API      API      `embed:""`
}

func (p testPicky) Faults() error { return p.Postgres.Faults() }

// environment is a lookup in a map instead of the process's environment.
func environment(variables map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := variables[name]
		return value, ok
	}
}

// parseTest parses a command line of testCLI, its words separated by spaces.
func parseTest(line string, variables map[string]string) (cli testCLI, command string, stdout string, err error) {
	var out bytes.Buffer
	context, err := parse("prog", "A program.", &cli, strings.Fields(line), &out, environment(variables))
	if context != nil {
		command = context.Command()
	}
	return cli, command, out.String(), err
}

func TestParse_Defaults(t *testing.T) {
	t.Parallel()
	got, command, _, err := parseTest("", nil)
	if err != nil || command != "run" {
		t.Fatalf("Parse = %q, %v", command, err)
	}
	want := testRun{
		Log:      Log{Level: "info", Format: "auto"},
		Postgres: Postgres{MaxConns: 8},
		Redis:    Redis{URL: "redis://127.0.0.1:6379/0"},
		API: API{
			BaseURL: "https://api.casparser.in", Auth: "key", RatePerMinute: 60, Timeout: 90 * time.Second, MaxBodyBytes: 1_700_000,
			Upload: "auto", FileField: "file",
		},
		Worker: Worker{Concurrency: 32, MaxAttempts: 6, BackoffBase: 2 * time.Second, BackoffMax: 10 * time.Minute, Window: 512, Addr: ":9091"},
	}
	if diff := cmp.Diff(want, got.Run); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
}

func TestParse_Environment(t *testing.T) {
	t.Parallel()
	variables := map[string]string{
		"DATABASE_URL": "postgres://db", "CASFLOW_DATABASE_CONNECTIONS": "3", "REDIS_URL": "rediss://r",
		"AWS_ENDPOINT_URL_S3": "http://s3", "S3_FORCE_PATH_STYLE": "true",
		"CASPARSER_BASE_URL": "http://api", "CASPARSER_API_KEY": "key", "CASPARSER_API_KEY_FILE": "/key",
		"CASPARSER_ALLOW_SANDBOX": "1", "CASPARSER_AUTH": "token", "CASPARSER_RATE_PER_MINUTE": "0", "CASPARSER_TIMEOUT": "45s",
		"CASPARSER_MAX_BODY_BYTES": "5", "CASPARSER_UPLOAD": "url", "CASPARSER_FILE_FIELD": "pdf_file",
		"CASFLOW_SECRET_KEY": "a", "CASFLOW_SECRET_KEY_FILE": "/secret",
		"CASFLOW_CONCURRENCY": "2", "CASFLOW_MAX_ATTEMPTS": "4", "CASFLOW_BACKOFF_BASE": "1s", "CASFLOW_BACKOFF_MAX": "1m",
		"CASFLOW_WINDOW": "16", "CASFLOW_ADDR": "127.0.0.1:0", "CASFLOW_FORCE_START": "true",
		"CASFLOW_ANSWER_RETENTION": "24h", "CASFLOW_LOG_LEVEL": "debug", "CASFLOW_LOG_FORMAT": "text",
	}
	want := testRun{
		Log: Log{"debug", "text"}, Postgres: Postgres{"postgres://db", 3}, Redis: Redis{"rediss://r"}, S3: S3{"http://s3", true},
		API:       API{"http://api", "key", "/key", true, "token", 0, 45 * time.Second, 5, "url", "pdf_file"},
		SecretKey: SecretKey{"a", "/secret"}, Worker: Worker{2, 4, time.Second, time.Minute, 16, 24 * time.Hour, "127.0.0.1:0", true},
	}
	got, _, _, err := parseTest("run", variables)
	if err != nil {
		t.Fatal(err)
	}
	// Secrets are compared as they are: printed, they are all alike.
	if got.Run != want {
		t.Errorf("settings (-want +got):\n%s", cmp.Diff(want, got.Run))
	}
}

func TestParse_Precedence(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		line      string
		variables map[string]string
		want      int
	}{
		"Default":          {"run", nil, 512},
		"Variable":         {"run", map[string]string{"CASFLOW_WINDOW": "3"}, 3},
		"Flag":             {"run --window=4", map[string]string{"CASFLOW_WINDOW": "3"}, 4},
		"FlagApart":        {"run --window 4", nil, 4},
		"LastFlag":         {"run --window 4 --window 5", nil, 5},
		"FlagOfDefault":    {"--window=4", nil, 4},
		"EmptyVariable":    {"run", map[string]string{"CASFLOW_WINDOW": ""}, 512},
		"BlankVariable":    {"run", map[string]string{"CASFLOW_WINDOW": " \n"}, 512},
		"SpaceAround":      {"run", map[string]string{"CASFLOW_WINDOW": " 7\n"}, 7},
		"FlagHidesFault":   {"run --window=4", map[string]string{"CASFLOW_WINDOW": "abc"}, 4},
		"OthersAreIgnored": {"run", map[string]string{"WINDOW": "3"}, 512},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, _, _, err := parseTest(test.line, test.variables)
			if err != nil || got.Run.Worker.Window != test.want {
				t.Errorf("window = %d, %v, want %d", got.Run.Worker.Window, err, test.want)
			}
		})
	}
}

func TestParse_ProcessEnvironment(t *testing.T) {
	t.Setenv("CASFLOW_WINDOW", "9")
	t.Setenv("CASFLOW_CONCURRENCY", "")
	var cli testCLI
	if _, err := Parse("prog", "", &cli, []string{"run"}, io.Discard); err != nil {
		t.Fatal(err)
	}
	if w := cli.Run.Worker; w.Window != 9 || w.Concurrency != 32 {
		t.Errorf("window %d and concurrency %d, want 9 and 32", w.Window, w.Concurrency)
	}
}

func TestParse_Arguments(t *testing.T) {
	t.Parallel()
	got, command, _, err := parseTest("scan s3://b/p --password-from env:A,B --password-from key:x --queue interactive", nil)
	if err != nil || command != "scan <s3://BUCKET>" {
		t.Fatalf("Parse = %q, %v", command, err)
	}
	if diff := cmp.Diff([]string{"env:A,B", "key:x"}, got.Scan.PasswordFrom); diff != "" {
		t.Errorf("passwords (-want +got):\n%s", diff)
	}
	if got.Scan.Source != "s3://b/p" || got.Scan.Queue != "interactive" {
		t.Errorf("scan = %+v", got.Scan)
	}
}

func TestParse_CommandsMakeNoSense(t *testing.T) {
	t.Parallel()
	var cli struct {
		Number int `default:"many" help:"Wrong."`
	}
	if _, err := parse("prog", "", &cli, nil, io.Discard, environment(nil)); err == nil || !strings.Contains(err.Error(), "default of --number") {
		t.Errorf("err = %v, want the default to be blamed", err)
	}
	if _, err := Parse("prog", "", cli, nil, io.Discard); err == nil || errors.Is(err, ErrUsage) {
		t.Errorf("err = %v, want one that is not the user's", err)
	}
}

func TestParse_SecretsStaySecret(t *testing.T) {
	t.Parallel()
	_, _, _, err := parseTest("run --window=x --api-key=geheim-1", map[string]string{
		"DATABASE_URL": "mysql://me:geheim-2@h/db", "REDIS_URL": "http://:geheim-3@h", "CASFLOW_SECRET_KEY": "geheim-4",
	})
	if err == nil || strings.Contains(err.Error(), "geheim") {
		t.Errorf("err = %v, want one without secrets", err)
	}
	if n := strings.Count(err.Error(), "\n") + 1; n != 4 {
		t.Errorf("%d faults, want 4:\n%v", n, err)
	}
}

func TestParse_KeepsSecretsAsTheyAre(t *testing.T) {
	t.Parallel()
	const url = redact.Secret("postgres://me:p%20%23$x@h/db?sslmode=disable")
	got, _, _, err := parseTest("run", map[string]string{"DATABASE_URL": url.Reveal()})
	if err != nil || got.Run.Postgres.URL != url {
		t.Errorf("the URL is not what was set (%v)", err)
	}
}
