package workercli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/storage/objectstore"
	"casflow/internal/storage/storagetest"
)

// secretKey is base64 of 32 bytes.
var secretKey = strings.Repeat(hush, 11)[:43]

// line is a line of the doctor's: level, name of the check, what was found.
var line = regexp.MustCompile(`^(ok|warn|fail) {1,3} ([a-z0-9-]+) {2,}(\S.*)\n$`)

// examine runs the doctor and returns its findings, each as "level text", by the
// name of the check; those of the same check follow each other in one text.
func examine(t *testing.T, code int, args ...string) map[string]string {
	t.Helper()
	r := run(t, append([]string{"doctor"}, args...)...)
	findings, failed, all := map[string]string{}, 0, 0
	for text := range strings.Lines(r.stdout) {
		parts := line.FindStringSubmatch(text)
		if parts == nil {
			t.Fatalf("line %q, want level, check and finding", text)
		}
		all++
		if parts[1] == "fail" {
			failed++
		}
		findings[parts[2]] = strings.TrimPrefix(findings[parts[2]]+"\n"+parts[1]+" "+parts[3], "\n")
	}
	told := []string(nil)
	if failed > 0 {
		told = []string{fmt.Sprintf("worker: %d of %d checks failed", failed, all)}
	}
	if diff := cmp.Diff(told, r.told); diff != "" || r.code != code || len(r.logged) > 0 {
		t.Errorf("exit code %d, %d lines of log, want %d, none; told (-want +got):\n%s", r.code, len(r.logged), code, diff)
	}
	return findings
}

// wantFindings checks that the findings begin as is wanted.
func wantFindings(t *testing.T, got, want map[string]string) {
	t.Helper()
	for check, begin := range want {
		if begin == "" && got[check] != "" || !strings.HasPrefix(got[check], begin) {
			t.Errorf("%s: %q, want %q", check, got[check], begin)
		}
	}
}

// healthy are the settings of a worker to which little can be said.
func healthy(t *testing.T) []string {
	t.Helper()
	api := httptest.NewServer(sandbox.New(sandbox.Config{Key: apiKey, Credits: 42}))
	t.Cleanup(api.Close)
	all := settings(t, storagetest.URL(t))
	all = all[:slices.Index(all, "--log-format")] // the doctor has no log
	return slices.Clip(append(all, "--api-base-url", api.URL, "--secret-key", secretKey))
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	store, err := objectstore.Open(t.Context(), objectstore.Config{Endpoint: s3Server.Endpoint, ForcePathStyle: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.CreateBucket(t.Context(), "checked"); err != nil {
		t.Fatal(err)
	}
	for key, content := range map[string]string{"in/": "", "in/ZZZPA0001Z.pdf": "%PDF-1.7 of nobody", "short/a": "%"} {
		if _, err := store.Put(t.Context(), "checked", key, strings.NewReader(content), int64(len(content)), nil); err != nil {
			t.Fatal(err)
		}
	}
	args := healthy(t)
	got := examine(t, 0, append(args, "--bucket", "s3://checked/in/")...)
	wantFindings(t, got, map[string]string{
		"configuration": "ok every setting makes sense", "secret-key": "ok comes from CASFLOW_SECRET_KEY",
		"upload":   "ok PDFs up to 1700000 bytes go as multipart, larger ones by a link",
		"postgres": "ok version ", "postgres-schema": "ok at version ", "postgres-clock": "ok within 5s", "postgres-connections": "ok ",
		"redis": "ok version ", "redis-policy": "ok maxmemory-policy is noeviction", "redis-memory": "ok no maxmemory is set",
		"redis-persistence": "warn nothing is kept on disk; set appendonly yes", "redis-clock": "ok within 5s",
		"s3-list": "ok s3://checked/in/ can be listed", "s3-get": `ok "in/ZZ*******Z.pdf" can be read`,
		"credits": "ok 42 of 42 left; they are given anew on ", "features": "ok smart_parser, ",
	})
	if want := " takes the key of CASPARSER_API_KEY"; !strings.HasSuffix(got["api"], want) || !strings.HasPrefix(got["api"], "ok ") {
		t.Errorf("api: %q, want one that ends in %q", got["api"], want)
	}
	if !strings.Contains(got["tmpdir"], " free, of which documents take up to 320 MB") {
		t.Errorf("tmpdir: %q, want the room for 32 documents", got["tmpdir"])
	}

	for bucket, want := range map[string]map[string]string{
		"":                     {"s3": "ok credentials and region are found; with --bucket", "s3-list": ""},
		"s3://checked/short/":  {"s3-list": "ok ", "s3-get": `ok "short/a" can be read`},
		"s3://checked/none/":   {"s3-list": "warn s3://checked/none/ can be listed, but nothing to read is there", "s3-get": ""},
		"s3://no-such-bucket/": {"s3-list": `fail list objects: bucket "no-such-bucket": the bucket does not exist`, "s3-get": ""},
	} {
		code := 0
		if strings.HasPrefix(want["s3-list"], "fail") {
			code = 1
		}
		wantFindings(t, examine(t, code, append(args, "--bucket", bucket)...), want)
	}
	for _, bucket := range []string{"checked", "s3://", "https://checked.s3.amazonaws.com/?X-Amz-Signature=hush"} {
		run(t, append([]string{"doctor", "--bucket", bucket}, args...)...).wantFaults(t, 2, "--bucket: is no address in S3; expected s3://BUCKET/PREFIX")
	}
}

func TestDoctor_JSON(t *testing.T) {
	t.Parallel()
	type finding struct {
		Level  string `json:"level"`
		Check  string `json:"check"`
		Found  string `json:"found"`
		Remedy string `json:"remedy"`
	}
	var got struct {
		OK     *bool     `json:"ok"`
		Checks []finding `json:"checks"`
	}
	args := append([]string{"doctor", "--json"}, healthy(t)...)
	for want, extra := range map[bool][]string{true: nil, false: {"--api-key", "sk_wrong_" + hush}} {
		r := run(t, append(args, extra...)...)
		decoder := json.NewDecoder(bytes.NewReader([]byte(r.stdout)))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&got); err != nil || got.OK == nil || *got.OK != want || (r.code == 0) != want {
			t.Fatalf("exit code %d, %+v, %v, want ok %t", r.code, got, err, want)
		}
		persistence := finding{"warn", "redis-persistence", "nothing is kept on disk", "set appendonly yes: after a restart, all that was queued has to be queued again"}
		if !slices.Contains(got.Checks, persistence) {
			t.Errorf("checks %+v, want %+v among them", got.Checks, persistence)
		}
	}
}

// Checks go on after one has failed, and settings that make no sense are findings
// like others.
func TestDoctor_Settings(t *testing.T) {
	t.Parallel()
	got := examine(t, 1, "--redis-url", redisServer.URL, "--window", "0")
	wantFindings(t, got, map[string]string{
		"configuration": "fail DATABASE_URL (--database-url): not set; give it as postgres://",
		"secret-key":    "warn not set: no PDF password can be taken; make CASFLOW_SECRET_KEY",
		"postgres":      "fail not checked; mend the settings first", "api": "fail not checked", "postgres-schema": "",
		"redis": "ok version ", "s3": "ok ",
	})
	for _, want := range []string{"\nfail CASPARSER_API_KEY (--api-key): not set", "\nfail CASFLOW_WINDOW (--window): is 0"} {
		if !strings.Contains(got["configuration"], want) {
			t.Errorf("configuration: %q, want %q in it", got["configuration"], want)
		}
	}
	got = examine(t, 0, append(healthy(t), "--force", "--api-allow-sandbox", "--api-upload", "multipart")...)
	wantFindings(t, got, map[string]string{
		"configuration": "ok every setting makes sense\nwarn CASFLOW_FORCE_START is set: a worker starts on a Redis that may lose tasks; unset it once",
		"upload":        "ok all PDFs go as multipart",
	})
	if !strings.Contains(got["configuration"], "\nwarn CASPARSER_ALLOW_SANDBOX is set: the canned answers") {
		t.Errorf("configuration: %q, want a warning of the sandbox key", got["configuration"])
	}
	missing := filepath.Join(t.TempDir(), "key")
	got = examine(t, 1, append(healthy(t), "--secret-key", "", "--secret-key-file", missing, "--api-upload", "url")...)
	wantFindings(t, got, map[string]string{
		"configuration": "fail CASFLOW_SECRET_KEY_FILE (--secret-key-file): is ", "secret-key": "", "upload": "ok all PDFs go by a link into S3",
	})
}

func TestDoctor_Away(t *testing.T) {
	t.Parallel()
	got := examine(t, 1, append(
		healthy(t), "--database-url", "postgres://u:hush@"+nobody+"/casflow?sslmode=disable", "--redis-url", "redis://:hush@"+nobody+"/0",
		"--s3-endpoint", "http://"+nobody, "--bucket", "s3://statements", "--api-base-url", "http://"+nobody)...)
	wantFindings(t, got, map[string]string{
		"postgres": "fail postgres at 127.0.0.1:1 cannot be reached; check DATABASE_URL", "postgres-schema": "", "postgres-clock": "",
		"redis": "fail redis at 127.0.0.1:1 cannot be reached; check REDIS_URL", "redis-policy": "",
		"s3-list": "fail list objects: bucket \"statements\": S3 at 127.0.0.1:1 cannot be reached", "s3-get": "",
		"api": "fail http://127.0.0.1:1 gives no credits: /v1/credits: unavailable", "credits": "", "tmpdir": "ok ",
	})
}
