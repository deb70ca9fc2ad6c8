package enqueuercli_test

import (
	"testing"

	"casflow/internal/storage/storagetest"
)

const (
	noDatabase     = "DATABASE_URL (--database-url): not set; give it as postgres://"
	nothingChooses = "nothing chooses which dead letters: give --reason, --batch, --document, --older-than, --newer-than or --limit, or --all"
	noSecret       = "CASFLOW_SECRET_KEY (--secret-key): not set...openssl rand -base64 32"
)

// What is wrong with a command line shows before anything is connected to, all
// of it at once.
func TestRun_BadUsage(t *testing.T) {
	t.Parallel()
	l := setup(t)
	l.put(t, "a.pdf")
	address, settings := l.address(""), l.settings()
	headless := manifest(t, "a.pdf,hush-1\n")
	for _, test := range []struct {
		name     string
		settings []string // after the words
		words    []string
		want     []string
	}{
		{"no address", settings, []string{"scan"}, []string{`expected "<s3://BUCKET/PREFIX>"; see enqueuer scan --help`}},
		{"empty address", settings, []string{"scan", ""}, []string{`"": expected s3://BUCKET/PREFIX`}},
		{"no s3 address", settings, []string{"scan", "statements/in"}, []string{`"statements/in": expected s3://BUCKET/PREFIX`}},
		{"no bucket", settings, []string{"scan", "s3:///in"}, []string{"s3:///in: expected s3://BUCKET/PREFIX"}},
		{
			"presigned address", settings,
			[]string{"submit", "https://user:hush-1@cas.example.invalid/a.pdf?X-Amz-Signature=hush-2"},
			[]string{"https://cas.example.invalid/a.pdf: expected s3://BUCKET/KEY"},
		},
		{
			"several addresses", settings,
			[]string{"submit", "a.pdf", l.address("a.pdf"), address},
			[]string{`"a.pdf": expected s3://BUCKET/KEY`, "s3://" + l.bucket + ": expected s3://BUCKET/KEY; to take a whole bucket use scan"},
		},
		{"kind", settings, []string{"scan", address, "--kind", "pdf"}, []string{`--kind: is "pdf"; expected smart, cdsl, nsdl, cams_kfintech or contract_note`}},
		{"broker of a statement", settings, []string{"scan", address, "--broker", "groww"}, []string{"--broker is groww and --kind smart; a broker goes with --kind contract_note only"}},
		{"broker", settings, []string{"submit", l.address("a.pdf"), "--kind", "contract_note", "--broker", "acme"}, []string{"--broker is acme; expected one of zerodha, groww, upstox, icici"}},
		{"queue", settings, []string{"submit", l.address("a.pdf"), "--queue", "fast"}, []string{`--queue: is "fast"; expected interactive or bulk`}},
		{"since", settings, []string{"scan", address, "--since", "yesterday"}, []string{`--since is "yesterday"; expected a date (2026-05-01), a time`}},
		{"negative age", settings, []string{"scan", address, "--since=-36h"}, []string{`--since is "-36h"; expected a date`}},
		{"limit", settings, []string{"scan", address, "--limit=-1"}, []string{"--limit is -1; expected 0 (all) or more"}},
		{"listers and resume", settings, []string{"scan", address, "--listers", "0", "--resume=-1h"}, []string{
			"--listers is 0; expected at least 1", "--resume is -1h0m0s; expected 0 (begin anew) or more",
		}},
		{"report of nothing", nil, []string{"batch", "report"}, []string{noDatabase, `expected "<BATCH>"; see enqueuer batch report --help`}},
		{"budget", settings, []string{"scan", address, "--max-credits", "5"}, []string{"--max-credits is a batch's; name it with --batch"}},
		{"negative budget", settings, []string{"scan", address, "--max-credits=-5", "--api-key", "k", "--api-timeout", "1ms"}, []string{
			"--max-credits is -5; expected 0 (as it is) or more", "CASPARSER_TIMEOUT (--api-timeout): is 1ms",
		}},
		{"password in place of a source", settings, []string{"scan", address, "--secret-key", secretKey, "--password-from", "hush-1"}, []string{
			"--password-from=...: expected env:VAR, manifest:FILE.csv, metadata:NAME or key:REGEXP",
		}},
		{"password with a colon", settings, []string{"scan", address, "--secret-key", secretKey, "--password-from", "hush:1"}, []string{
			"--password-from=...: expected env:VAR",
		}},
		{"source without a name", settings, []string{"scan", address, "--secret-key", secretKey, "--password-from", "env:"}, []string{
			"--password-from=env:: expected env:VAR",
		}},
		{"no such variable", settings, []string{"scan", address, "--secret-key", secretKey, "--password-from", "env:NO_SUCH_VARIABLE"}, []string{
			"--password-from=env:NO_SUCH_VARIABLE: the environment variable NO_SUCH_VARIABLE is not set",
		}},
		{"regexp", settings, []string{"scan", address, "--secret-key", secretKey, "--password-from", "key:([A-Z]+"}, []string{
			"--password-from=key:([A-Z]+: not a regular expression (missing closing )); write it as in key:",
		}},
		{"no manifest", settings, []string{"scan", address, "--secret-key", secretKey, "--password-from", "manifest:/no/such.csv"}, []string{
			"--password-from=manifest:/no/such.csv: the manifest cannot be opened (no such file or directory); give a CSV file with the columns key and password",
		}},
		{"manifest without columns", settings, []string{"scan", address, "--secret-key", secretKey, "--password-from", headless}, []string{
			"--password-from=" + headless + ": the manifest's first line must name the columns key and password",
		}},
		{"empty manifest", settings, []string{"scan", address, "--secret-key", secretKey, "--password-from", manifest(t, "")}, []string{
			"the manifest's first line must name the columns key and password",
		}},
		{"manifest with a short line", settings, []string{
			"scan", address, "--secret-key", secretKey, "--password-from", manifest(t, "key,password\na.pdf,hush-1\nb.pdf\n"),
		}, []string{"read the manifest: record on line 3: wrong number of fields"}},
		{"no secret key", settings, []string{"scan", address, "--password-from", "env:" + passwordVariable}, []string{noSecret}},
		{"no secret key to submit", settings, []string{"submit", l.address("a.pdf"), "--password-from", "metadata:pw"}, []string{noSecret}},
		{"short secret key", settings, []string{"scan", address, "--secret-key", "aHVzaA=="}, []string{"CASFLOW_SECRET_KEY (--secret-key): has 4 bytes, expected 32"}},
		{
			"everything at once", nil,
			[]string{
				"scan", "statements", "--kind", "pdf", "--since", "then", "--limit=-1", "--redis-url", "http://x:hush@h", "--s3-endpoint", "nowhere",
				"--password-from", "hush-1", "--password-from", "key:[", "--database-connections", "many",
			},
			[]string{
				`"statements": expected s3://`, "--kind: is", "--since is", "--limit is", noDatabase, "REDIS_URL (--redis-url): is not a Redis URL",
				"AWS_ENDPOINT_URL_S3 (--s3-endpoint): is", noSecret, "--password-from=...", "--password-from=key:[: not a regular",
				"CASFLOW_DATABASE_CONNECTIONS (--database-connections): is",
			},
		},
		{"status", nil, []string{"status", "--every", "0s"}, []string{noDatabase, "--every is 0s; expected more than 0"}},
		{"status, unreadable", nil, []string{"status", "--every", "often"}, []string{noDatabase, `--every: is "often"; expected a duration`}},
		{"status with the sandbox key", nil, []string{"status", "--api-key", "sandbox-with-json-responses"}, []string{
			noDatabase, "CASPARSER_API_KEY (--api-key): is the sandbox key",
		}},
		{"dead letters", nil, []string{"dead", "list", "--reason", "bad", "--document", "x", "--limit=-2"}, []string{
			noDatabase, `--reason is "bad"; expected one of bad_request, ...retries_exhausted, crashed, bad_task`,
			`--document is "x"; expected the id of a document`, "--limit is -2; expected 0 (all) or more",
		}},
		{"ages", nil, []string{"dead", "list", "--older-than=-1h", "--newer-than", "0s"}, []string{
			noDatabase, `--older-than is "-1h"; expected an age with its unit, such as 90m or 36h`, `--newer-than is "0s"; expected an age`,
		}},
		{"ages apart", settings, []string{"dead", "redrive", "--older-than", "36h", "--newer-than", "2h"}, []string{
			"--older-than is 36h and --newer-than 2h; nothing is both",
		}},
		{"redrive of nothing", settings, []string{"dead", "redrive", "--rate", "6"}, []string{nothingChooses}},
		{"rate", settings, []string{"dead", "redrive", "--all", "--rate=-1"}, []string{"--rate is -1; expected 0 (all at once) or more"}},
		{"discard of nothing", nil, []string{"dead", "discard", "--redis-url", "http://h"}, []string{
			noDatabase, nothingChooses, "--why is not given; say in a few words why", "REDIS_URL (--redis-url): is not a Redis URL",
		}},
		{"discard, unreadable", nil, []string{"dead", "discard", "--limit", "few", "--why", " "}, []string{
			noDatabase, `--limit: is "few"; expected a whole number`, "--why is not given",
		}},
		{"show of nothing", nil, []string{"dead", "show"}, []string{noDatabase, `expected "<DOCUMENT_ID> ..."; see enqueuer dead show --help`}},
		{"show", nil, []string{"dead", "show", "x", "ZZZPA0001Z"}, []string{
			noDatabase, `"x": expected the id of a document`, `"ZZ*******Z": expected the id of a document`,
		}},
		{"redrive", nil, []string{"dead", "redrive", "--reason", "bad", "--password-from", "metadata:pw"}, []string{
			noDatabase, "--reason is...", noSecret,
		}},
		{"redrive, unreadable", nil, []string{"dead", "redrive", "--limit", "few"}, []string{
			noDatabase, `--limit: is "few"; expected a whole number`,
		}},
		{"no command", nil, nil, []string{`expected one of "scan", "submit", "upload", "serve", "status", ...; see enqueuer --help`}},
		{"unknown command", nil, []string{"uplode"}, []string{"unexpected argument uplode...see enqueuer --help"}},
		{"unknown flag", settings, []string{"scan", address, "--no-such-flag", "36h"}, []string{"unknown flag --no-such-flag...see enqueuer scan --help"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			run(t, append(test.words, test.settings...)...).wantFaults(t, 2, test.want...)
			l.wantCount(t, 0)
		})
	}
}

// What is wrong with the world shows once it is looked at: one line that says
// what to do, and nothing recorded.
func TestRun_Failures(t *testing.T) {
	t.Parallel()
	l := setup(t)
	l.put(t, "in/a.pdf", "in/b.pdf")
	const (
		nobody      = "127.0.0.1:1" // a port that nothing listens on
		noPostgres  = "postgres://user:hush-1@" + nobody + "/casflow?sslmode=disable"
		noRedis     = "redis://:hush-1@" + nobody + "/0"
		redisFault  = "redis at 127.0.0.1:1 cannot be reached; check REDIS_URL and that the server runs...connection refused"
		ledgerFault = "postgres at 127.0.0.1:1 cannot be reached; check DATABASE_URL and that the server runs...connection refused"
		s3Fault     = "S3 at 127.0.0.1:1 cannot be reached...check AWS_ENDPOINT_URL_S3"
	)
	scan := []string{"scan", l.address("in/")}
	submit := []string{"submit", l.address("in/a.pdf")}
	for _, test := range []struct {
		name  string
		words []string
		extra []string // settings that win
		want  []string
	}{
		{"no such bucket", []string{"scan", "s3://no-such-bucket/in/"}, nil, []string{`bucket "no-such-bucket": the bucket does not exist at...create it, or correct its name`}},
		{"nothing there", []string{"scan", l.address("out/")}, nil, []string{"there is nothing under " + l.address("out/") + "; check the prefix"}},
		{"scan without Postgres", scan, []string{"--database-url", noPostgres}, []string{ledgerFault}},
		{"scan without Redis", scan, []string{"--redis-url", noRedis}, []string{redisFault}},
		{"scan without S3", scan, []string{"--s3-endpoint", "http://" + nobody}, []string{s3Fault}},
		{"submit without Postgres", submit, []string{"--database-url", noPostgres}, []string{ledgerFault}},
		{"submit without Redis", submit, []string{"--redis-url", noRedis}, []string{redisFault}},
		{"submit without S3", submit, []string{"--s3-endpoint", "http://" + nobody}, []string{s3Fault}},
		{"redrive without Redis", []string{"dead", "redrive", "--all"}, []string{"--redis-url", noRedis}, []string{redisFault}},
		{
			"missing objects beside one that is there",
			[]string{"submit", l.address("in/x.pdf"), l.address("in/a.pdf"), l.address("in/ZZZPA0001Z.pdf")},
			nil,
			[]string{`key "in/x.pdf": the object does not exist`, `key "in/ZZ*******Z.pdf": the object does not exist`},
		},
		{"submit from a missing bucket", []string{"submit", "s3://no-such-bucket/a.pdf"}, nil, []string{`bucket "no-such-bucket"...does not exist`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			run(t, append(append(test.words, l.settings()...), test.extra...)...).wantFaults(t, 1, test.want...)
			l.wantCount(t, 0)
		})
	}
}

func TestDiscard_WithoutRedis(t *testing.T) {
	t.Parallel()
	g := setupGraveyard(t)
	g.discard(t, "--all", "--why", "w", "--redis-url", "redis://:hush-1@127.0.0.1:1/0").
		wantFaults(t, 1, "redis at 127.0.0.1:1 cannot be reached; check REDIS_URL and that the server runs...connection refused")
	if got := g.list(t); len(got) != 4 {
		t.Errorf("%d dead letters are left, want all 4", len(got))
	}
}

func TestRun_SchemaMissing(t *testing.T) {
	t.Parallel()
	l := setup(t)
	l.put(t, "a.pdf")
	l.url = storagetest.Empty(t)
	const want = "the database's schema is at version 0, this program needs...: run worker migrate up"
	for _, words := range [][]string{{"status"}, {"dead", "list"}, {"dead", "show", l.record(t, "", "a.pdf")[0].String()}} {
		l.ask(t, words...).wantFaults(t, 1, want)
	}
	l.scan(t, "").wantFaults(t, 1, want)
	l.submit(t, "a.pdf").wantFaults(t, 1, want)
	l.redrive(t, "--all").wantFaults(t, 1, want)
	l.discard(t, "--all", "--why", "w").wantFaults(t, 1, want)
	if got := storagetest.Rows(t, l.url, "SELECT 1 FROM pg_namespace WHERE nspname = 'cas'"); len(got) != 0 {
		t.Error("a command that needs the schema began to make it")
	}
}
