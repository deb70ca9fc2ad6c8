package config

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/redact"
)

// geheim stands in every secret of these tests: it must never be shown.
const geheim = "geheim"

func goodAPI() API {
	return API{BaseURL: "https://api.example", Key: geheim, RatePerMinute: 60, Timeout: time.Minute, MaxBodyBytes: 1, Upload: "auto", FileField: "file"}
}

func goodWorker() Worker {
	return Worker{Concurrency: 1, MaxAttempts: 1, BackoffBase: time.Second, BackoffMax: time.Second, Window: 1, Addr: ":0"}
}

func goodServe() Serve {
	return Serve{
		Addr: ":0", UploadTo: "s3://b/in", Buckets: []string{"b"}, RatePerSecond: 1, MaxUploads: 1, MaxBatchLines: 1,
		StopDelay: time.Second, StopTimeout: time.Second,
	}
}

// webhookSecret is 32 bytes of Standard Webhooks, "geheim" among its letters.
const webhookSecret = "whsec_geheimgeheimgeheimgeheimgeheimgeheimgeheimA="

// manyServices are the tokens of more services than may call.
func manyServices() redact.Secret {
	var b strings.Builder
	for n := range maxServices + 1 {
		fmt.Fprintf(&b, "s%d:geheim%d ", n, n)
	}
	return redact.Secret(b.String())
}

// changed returns a group after a change.
func changed[G any](group G, change func(*G)) G {
	change(&group)
	return group
}

// write writes a file of the test and returns its path.
func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFaults(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	long := write(t, strings.Repeat("x", maxSecretFile+1))
	empty := write(t, " \n")
	badKey := write(t, "geheim!\n")
	const (
		postgres = "; expected postgres://USER:PASSWORD@HOST:PORT/DATABASE"
		redis    = "; expected redis://HOST:PORT/DB (or rediss), redis-sentinel://HOST,HOST/0?master=NAME or redis-cluster://HOST,HOST"
		endpoint = "; expected http://HOST:PORT or https://HOST"
		encode   = "has an @ where the path is; write / ? # and @ in user and password percent-encoded"
		hosts    = "; expected names of hosts alone, such as billing.example.com or *.example.com"
		whsec    = "; make one with: echo whsec_$(openssl rand -base64 32)"
		make32   = "; make one with: openssl rand -base64 32"
	)
	api := func(change func(*API)) API { return changed(goodAPI(), change) }
	serve := func(change func(*Serve)) Serve { return changed(goodServe(), change) }
	worker := func(change func(*Worker)) Worker { return changed(goodWorker(), change) }
	for name, test := range map[string]struct {
		group interface{ Faults() error }
		want  string // "" is none
	}{
		"Postgres/None":           {Postgres{}, "DATABASE_URL (--database-url): not set; give it as postgres://USER:PASSWORD@HOST:PORT/DATABASE"},
		"Postgres/Good":           {Postgres{URL: "postgres://me:geheim@h:5432/db?sslmode=disable"}, ""},
		"Postgres/OtherScheme":    {Postgres{URL: "postgresql://h/db"}, ""},
		"Postgres/SeveralHosts":   {Postgres{URL: "postgres://me:geheim@h1:5432,h2:5433,[::1]:5434/db"}, ""},
		"Postgres/SocketParam":    {Postgres{URL: "postgres:///db?host=/run/postgresql"}, ""},
		"Postgres/SocketHost":     {Postgres{URL: "postgres://%2Frun%2Fpostgresql/db"}, ""},
		"Postgres/HashInPassword": {Postgres{URL: "postgres://me:geheim#1@h/db"}, ""},
		"Postgres/AtInParam":      {Postgres{URL: "postgres://h/db?user=me@h"}, ""},
		"Postgres/WrongScheme":    {Postgres{URL: "mysql://me:geheim@h/db"}, "DATABASE_URL (--database-url): is not a Postgres URL" + postgres},
		"Postgres/NoURL":          {Postgres{URL: "host=h password=geheim"}, "DATABASE_URL (--database-url): is not a URL" + postgres},
		"Postgres/SlashInside":    {Postgres{URL: "postgres://me:geheim/1@h/db"}, "DATABASE_URL (--database-url): " + encode + postgres},
		"Postgres/Port":           {Postgres{URL: "postgres://me:geheim@h:port/db"}, "DATABASE_URL (--database-url): has a port that is not a number from 1 to 65535" + postgres},
		"Postgres/Connections":    {Postgres{URL: "postgres://h/db", MaxConns: -1}, "CASFLOW_DATABASE_CONNECTIONS (--database-connections): is -1; expected 0 (as the URL says) or more"},

		"Redis/Good":           {Redis{"redis://:geheim@h:6379/0"}, ""},
		"Redis/TLS":            {Redis{"rediss://h"}, ""},
		"Redis/LocalHost":      {Redis{"redis://"}, ""},
		"Redis/Socket":         {Redis{"unix:///run/redis.sock?db=1"}, ""},
		"Redis/Sentinel":       {Redis{"redis-sentinel://h1:26379,h2/0?master=m"}, ""},
		"Redis/Cluster":        {Redis{"redis-cluster://h1:7000,h2:7001"}, ""},
		"Redis/ClusterTLS":     {Redis{"rediss-cluster://:geheim@h1:7000,h2"}, ""},
		"Redis/SentinelTLS":    {Redis{"rediss-sentinel://h1/0"}, "REDIS_URL (--redis-url): names no master" + redis},
		"Redis/NoURL":          {Redis{"127.0.0.1:6379"}, "REDIS_URL (--redis-url): is not a URL" + redis},
		"Redis/WrongScheme":    {Redis{"http://:geheim@h"}, "REDIS_URL (--redis-url): is not a Redis URL" + redis},
		"Redis/Database":       {Redis{"redis://:geheim@h/cache"}, "REDIS_URL (--redis-url): has a path that is not the number of a database" + redis},
		"Redis/SentinelMaster": {Redis{"redis-sentinel://h1,h2/0"}, "REDIS_URL (--redis-url): names no master" + redis},
		"Redis/ClusterHosts":   {Redis{"redis-cluster://"}, "REDIS_URL (--redis-url): names no host" + redis},
		"Redis/SlashInside":    {Redis{"redis://:geheim/1@h"}, "REDIS_URL (--redis-url): " + encode + redis},

		"S3/None":     {S3{}, ""},
		"S3/Good":     {S3{Endpoint: "http://127.0.0.1:9000"}, ""},
		"S3/NoScheme": {S3{Endpoint: "minio:9000"}, `AWS_ENDPOINT_URL_S3 (--s3-endpoint): is "minio:9000"` + endpoint},
		"S3/NoHost":   {S3{Endpoint: "https:///bucket"}, `AWS_ENDPOINT_URL_S3 (--s3-endpoint): is https:///bucket` + endpoint},
		"S3/Scheme":   {S3{Endpoint: "s3://bucket"}, `AWS_ENDPOINT_URL_S3 (--s3-endpoint): is s3://bucket` + endpoint},

		"API/Good":        {goodAPI(), ""},
		"API/Plain":       {api(func(a *API) { a.BaseURL = "http://127.0.0.1:4010/" }), ""},
		"API/Password":    {api(func(a *API) { a.BaseURL = "https://me:geheim@h" }), "CASPARSER_BASE_URL (--api-base-url): is https://h with a user, parameters or a fragment; leave them out"},
		"API/Broken":      {api(func(a *API) { a.BaseURL = "https://me:gehe/im@geheim" }), "CASPARSER_BASE_URL (--api-base-url): is [redacted]" + endpoint},
		"API/NoBase":      {api(func(a *API) { a.BaseURL = "" }), `CASPARSER_BASE_URL (--api-base-url): is ""` + endpoint},
		"API/NoKey":       {api(func(a *API) { a.Key = "" }), "CASPARSER_API_KEY (--api-key): not set, nor is CASPARSER_API_KEY_FILE (--api-key-file); make a key in the API's dashboard"},
		"API/TwoKeys":     {api(func(a *API) { a.KeyFile = missing }), "CASPARSER_API_KEY (--api-key): set, and CASPARSER_API_KEY_FILE (--api-key-file) too; give one of them"},
		"API/BadKey":      {api(func(a *API) { a.Key = "geheim geheim" }), "CASPARSER_API_KEY (--api-key): holds a space or another character that no key has; give the key alone"},
		"API/MissingFile": {api(func(a *API) { a.Key, a.KeyFile = "", missing }), "CASPARSER_API_KEY_FILE (--api-key-file): is \"" + missing + "\", which cannot be read (no such file or directory); give a file that holds the secret and that this program may read"},
		"API/EmptyFile":   {api(func(a *API) { a.Key, a.KeyFile = "", empty }), "CASPARSER_API_KEY_FILE (--api-key-file): is \"" + empty + "\", a file without text; give a file that holds the secret"},
		"API/LongFile":    {api(func(a *API) { a.Key, a.KeyFile = "", long }), "CASPARSER_API_KEY_FILE (--api-key-file): is \"" + long + "\", a file of more than 64 KiB; give a file that holds the secret alone"},
		"API/Rate":        {api(func(a *API) { a.RatePerMinute = -1 }), "CASPARSER_RATE_PER_MINUTE (--api-rate-per-minute): is -1; expected 0 (no limit) or more"},
		"API/NoRate":      {api(func(a *API) { a.RatePerMinute = 0 }), ""},
		"API/Timeout":     {api(func(a *API) { a.Timeout = time.Millisecond }), "CASPARSER_TIMEOUT (--api-timeout): is 1ms; expected at least 1s"},
		"API/Size":        {api(func(a *API) { a.MaxBodyBytes = -1 }), "CASPARSER_MAX_BODY_BYTES (--api-max-body-bytes): is -1; expected 0 (all by link) or more"},
		"API/NoField":     {api(func(a *API) { a.FileField = "" }), `CASPARSER_FILE_FIELD (--api-file-field): is ""; expected a name without spaces and quotes, such as file or pdf_file`},
		"API/QuotedField": {api(func(a *API) { a.FileField = `a"b` }), `CASPARSER_FILE_FIELD (--api-file-field): is "a\"b"; expected a name without spaces and quotes, such as file or pdf_file`},
		"API/Several": {api(func(a *API) { a.Timeout, a.RatePerMinute = 0, -1 }), "CASPARSER_RATE_PER_MINUTE (--api-rate-per-minute): is -1; expected 0 (no limit) or more\n" +
			"CASPARSER_TIMEOUT (--api-timeout): is 0s; expected at least 1s"},

		"SecretKey/None":      {SecretKey{}, ""},
		"SecretKey/NoBase64":  {SecretKey{Key: "geheim!"}, "CASFLOW_SECRET_KEY (--secret-key): is not base64" + make32},
		"SecretKey/Short":     {SecretKey{Key: "geheim00"}, "CASFLOW_SECRET_KEY (--secret-key): has 6 bytes, expected 32" + make32},
		"SecretKey/Two":       {SecretKey{Key: geheim, File: missing}, "CASFLOW_SECRET_KEY (--secret-key): set, and CASFLOW_SECRET_KEY_FILE (--secret-key-file) too; give one of them"},
		"SecretKey/BadFile":   {SecretKey{File: badKey}, "CASFLOW_SECRET_KEY_FILE (--secret-key-file): is not base64" + make32},
		"SecretKey/EmptyFile": {SecretKey{File: empty}, "CASFLOW_SECRET_KEY_FILE (--secret-key-file): is \"" + empty + "\", a file without text; give a file that holds the secret"},

		"Worker/Retention":   {worker(func(w *Worker) { w.Retention = time.Minute }), "CASFLOW_ANSWER_RETENTION (--answer-retention): is 1m0s; expected 0 (for ever) or at least 1h"},
		"Worker/Good":        {goodWorker(), ""},
		"Worker/Concurrency": {worker(func(w *Worker) { w.Concurrency = 0 }), "CASFLOW_CONCURRENCY (--concurrency): is 0; expected at least 1"},
		"Worker/Attempts":    {worker(func(w *Worker) { w.MaxAttempts = -1 }), "CASFLOW_MAX_ATTEMPTS (--max-attempts): is -1; expected at least 1"},
		"Worker/Window":      {worker(func(w *Worker) { w.Window = 0 }), "CASFLOW_WINDOW (--window): is 0; expected at least 1"},
		"Worker/Base":        {worker(func(w *Worker) { w.BackoffBase = 0 }), "CASFLOW_BACKOFF_BASE (--backoff-base): is 0s; expected more than 0s"},
		"Worker/Max":         {worker(func(w *Worker) { w.BackoffMax = time.Millisecond }), "CASFLOW_BACKOFF_MAX (--backoff-max): is 1ms; expected at least the base, 1s"},
		"Worker/NoPort":      {worker(func(w *Worker) { w.Addr = "9091" }), `CASFLOW_ADDR (--addr): is "9091"; expected HOST:PORT or :PORT, such as :9091`},
		"Callback/None":      {Callback{}, ""},
		"Callback/Hosts":     {Callback{CallbackHosts: CallbackHosts{Hosts: []string{"billing.example", "*.example"}}}, ""},
		"Callback/Good":      {Callback{CallbackHosts: CallbackHosts{Hosts: []string{"h"}}, Secret: webhookSecret + ", " + webhookSecret}, ""},
		"Callback/NoHosts":   {Callback{Secret: webhookSecret}, "CASFLOW_CALLBACK_HOSTS (--callback-hosts): not set, but required with CASFLOW_CALLBACK_SECRET; name the hosts that may be told"},
		"Callback/URL":       {Callback{CallbackHosts: CallbackHosts{Hosts: []string{"https://h/"}}}, `CASFLOW_CALLBACK_HOSTS (--callback-hosts): has "https://h/"` + hosts},
		"Callback/Star":      {Callback{CallbackHosts: CallbackHosts{Hosts: []string{"*"}}}, `CASFLOW_CALLBACK_HOSTS (--callback-hosts): has "*"` + hosts},
		"Callback/Prefix":    {Callback{Secret: redact.Secret(webhookSecret[len("whsec_"):])}, "CASFLOW_CALLBACK_SECRET (--callback-secret): is not whsec_ and base64 of 24 to 64 bytes" + whsec},
		"Callback/Short":     {Callback{Secret: "whsec_geheim00"}, "CASFLOW_CALLBACK_SECRET (--callback-secret): is not whsec_ and base64 of 24 to 64 bytes" + whsec},
		"Callback/Two":       {Callback{Secret: webhookSecret, SecretFile: missing}, "CASFLOW_CALLBACK_SECRET (--callback-secret): set, and CASFLOW_CALLBACK_SECRET_FILE (--callback-secret-file) too; give one of them"},
		"Callback/File":      {Callback{SecretFile: badKey}, "CASFLOW_CALLBACK_SECRET_FILE (--callback-secret-file): is not whsec_ and base64 of 24 to 64 bytes" + whsec},

		"Tokens/Good":    {Tokens{Tokens: "billing:geheim, crm:geheim:2\nbilling:geheim3"}, ""},
		"Tokens/None":    {Tokens{}, "CASFLOW_API_TOKENS (--api-tokens): not set, nor is CASFLOW_API_TOKENS_FILE (--api-tokens-file); give NAME:TOKEN for each service, with tokens such as of: openssl rand -hex 32"},
		"Tokens/NoName":  {Tokens{Tokens: "geheim"}, "CASFLOW_API_TOKENS (--api-tokens): has something that is not NAME:TOKEN"},
		"Tokens/Empty":   {Tokens{Tokens: "billing:"}, "CASFLOW_API_TOKENS (--api-tokens): has something that is not NAME:TOKEN"},
		"Tokens/Name":    {Tokens{Tokens: "bil/ling:geheim"}, "CASFLOW_API_TOKENS (--api-tokens): has a name that is longer than 40 characters, or has others than letters, digits, dots, dashes and underscores"},
		"Tokens/Header":  {Tokens{Tokens: "billing:geheim\u00fc"}, "CASFLOW_API_TOKENS (--api-tokens): has a token for billing with characters that a header cannot hold"},
		"Tokens/Same":    {Tokens{Tokens: "billing:geheim crm:geheim"}, "CASFLOW_API_TOKENS (--api-tokens): has the same token for billing and crm; give each its own"},
		"Tokens/Many":    {Tokens{Tokens: manyServices()}, "CASFLOW_API_TOKENS (--api-tokens): names 101 services; expected at most 100"},
		"Tokens/BadFile": {Tokens{File: empty}, "CASFLOW_API_TOKENS_FILE (--api-tokens-file): is \"" + empty + "\", a file without text; give a file that holds the secret"},

		"Serve/Good":      {goodServe(), ""},
		"Serve/Bucket":    {serve(func(s *Serve) { s.UploadTo = "s3://b" }), ""},
		"Serve/Unlimited": {serve(func(s *Serve) { s.RatePerSecond, s.StopDelay = 0, 0 }), ""},
		"Serve/Addr":      {serve(func(s *Serve) { s.Addr = "8080" }), `CASFLOW_ADDR (--addr): is "8080"; expected HOST:PORT or :PORT, such as :8080`},
		"Serve/UploadTo":  {serve(func(s *Serve) { s.UploadTo = "b/in" }), `CASFLOW_UPLOAD_TO (--upload-to): is "b/in"; expected s3://BUCKET/PREFIX`},
		"Serve/NoBucket":  {serve(func(s *Serve) { s.UploadTo = "s3:///in" }), `CASFLOW_UPLOAD_TO (--upload-to): is "s3:///in"; expected s3://BUCKET/PREFIX`},
		"Serve/Buckets":   {serve(func(s *Serve) { s.Buckets = []string{"s3://b"} }), `CASFLOW_BUCKETS (--buckets): has "s3://b"; expected names of buckets alone`},
		"Serve/Several": {
			serve(func(s *Serve) {
				s.RatePerSecond, s.MaxUploads, s.MaxBatchLines, s.StopDelay, s.StopTimeout = -1, 0, 0, -1, 0
			}),
			"CASFLOW_SERVE_RATE_PER_SECOND (--rate-per-second): is -1; expected 0 (no limit) or more\n" +
				"CASFLOW_SERVE_MAX_UPLOADS (--max-uploads): is 0; expected at least 1\n" +
				"CASFLOW_SERVE_MAX_BATCH_LINES (--max-batch-lines): is 0; expected at least 1\n" +
				"CASFLOW_SERVE_STOP_DELAY (--stop-delay): is -1ns; expected 0s or more\n" +
				"CASFLOW_SERVE_STOP_TIMEOUT (--stop-timeout): is 0s; expected more than 0s",
		},

		"Worker/LargePort": {worker(func(w *Worker) { w.Addr = ":70000" }), `CASFLOW_ADDR (--addr): is ":70000"; expected HOST:PORT or :PORT, such as :9091`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if err := test.group.Faults(); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
			if strings.Contains(got, geheim) {
				t.Error("the faults show a secret")
			}
		})
	}
}

func TestSecretKey_Bytes(t *testing.T) {
	t.Parallel()
	raw := make([]byte, secretKeyLength)
	for i := range raw {
		raw[i] = byte(250 + i) // such that the two alphabets differ
	}
	for name, key := range map[string]SecretKey{
		"Standard":  {Key: redact.Secret(base64.StdEncoding.EncodeToString(raw))},
		"Unpadded":  {Key: redact.Secret(base64.RawStdEncoding.EncodeToString(raw))},
		"URL":       {Key: redact.Secret(base64.URLEncoding.EncodeToString(raw))},
		"SpaceLeft": {Key: redact.Secret(" " + base64.RawURLEncoding.EncodeToString(raw) + "\n")},
		"File":      {File: write(t, base64.StdEncoding.EncodeToString(raw)+"\r\n")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := key.Bytes()
			if err != nil || string(got) != string(raw) {
				t.Errorf("Bytes = %d bytes, %v, want the key", len(got), err)
			}
		})
	}
	if got, err := (SecretKey{}).Bytes(); got != nil || err != nil {
		t.Errorf("Bytes without a key = %d bytes, %v, want nil and nil", len(got), err)
	}
}

func TestLogValue(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	logger := slog.New(slog.NewTextHandler(&out, nil))
	api := goodAPI()
	api.BaseURL = "https://me:geheim@api.example/?key=geheim"
	logger.InfoContext(t.Context(), "settings",
		slog.Any("log", Log{"info", "auto"}), slog.Any("postgres", Postgres{"postgres://me:geheim@h:1/db?password=geheim", 8}),
		slog.Any("redis", Redis{"redis://:geheim@h/0"}), slog.Any("s3", S3{"http://me:geheim@s3:9000/", true}), slog.Any("api", api),
		slog.Any("secret_key", SecretKey{Key: geheim}), slog.Any("worker", goodWorker()),
		slog.Any("serve", goodServe()), slog.Any("tokens", Tokens{Tokens: "billing:geheim"}),
		slog.Any("callback", Callback{CallbackHosts: CallbackHosts{Hosts: []string{"h"}}, Secret: webhookSecret}))
	_, got, _ := strings.Cut(strings.TrimSpace(out.String()), "msg=settings ")
	want := `log.level=info log.format=auto postgres.url=postgres://h:1/db postgres.max_conns=8 redis.url=redis://h/0 ` +
		`s3.endpoint=http://s3:9000 s3.force_path_style=true ` +
		`api.base_url=https://api.example api.key=[redacted] api.key_file="" api.allow_sandbox=false api.auth="" api.rate_per_minute=60 api.timeout=1m0s ` +
		`api.max_body_bytes=1 api.upload=auto api.file_field=file secret_key.key=[redacted] secret_key.file="" ` +
		`worker.concurrency=1 worker.max_attempts=1 worker.backoff_base=1s worker.backoff_max=1s worker.window=1 worker.answer_retention=0s worker.addr=:0 worker.force=false ` +
		`serve.addr=:0 serve.upload_to=s3://b/in serve.buckets=[b] serve.rate_per_second=1 serve.max_uploads=1 serve.max_batch_lines=1 ` +
		`serve.stop_delay=1s serve.stop_timeout=1s tokens.tokens=[redacted] tokens.file="" ` +
		`callback.secret=[redacted] callback.secret_file="" callback.hosts=[h] callback.private=false callback.pan=false`
	if diff := cmp.Diff(strings.Fields(want), strings.Fields(got)); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

func TestLog_SlogLevel(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError, "": slog.LevelInfo,
	} {
		if got := (Log{Level: text}).SlogLevel(); got != want {
			t.Errorf("level %q = %s, want %s", text, got, want)
		}
	}
}

func TestAPI_UploadLimit(t *testing.T) {
	t.Parallel()
	for upload, want := range map[string]struct {
		limit  int64
		oneWay bool
	}{"auto": {5, false}, "multipart": {10 << 20, true}, "url": {0, true}} {
		limit, oneWay := API{Upload: upload, MaxBodyBytes: 5}.UploadLimit()
		if limit != want.limit || oneWay != want.oneWay {
			t.Errorf("%s: limit %d, one way %t, want %d, %t", upload, limit, oneWay, want.limit, want.oneWay)
		}
	}
}
