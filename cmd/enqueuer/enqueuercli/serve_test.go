package enqueuercli_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"casflow/client"
	"casflow/internal/redact"
)

const serveToken = hush + "-token-of-billing"

func TestServe(t *testing.T) {
	t.Parallel()
	l := setup(t)
	l.putWith(t, "in/a.pdf", "a", map[string]string{"pw": "hush-metadata"})
	url, stop := l.serve(t, "--password-from", "metadata:pw", "--upload-to", l.address("uploads"), "--callback-hosts", "billing.example")
	c, err := client.New(client.Config{BaseURL: url, Token: serveToken})
	if err != nil {
		t.Fatal(err)
	}
	submitted, err := c.Submit(t.Context(), client.Submission{Bucket: l.bucket, Key: "in/a.pdf", Terms: client.Terms{CallbackURL: "https://billing.example/" + hush}})
	if err != nil || !submitted.New || !submitted.Callback {
		t.Fatalf("Submit() = %+v, %v, want a new document", submitted, err)
	}
	if got := l.passwords(t)["in/a.pdf"]; !slices.Equal(got, []string{"hush-metadata"}) {
		t.Errorf("passwords are %v", got)
	}
	uploaded, err := c.Upload(t.Context(), strings.NewReader("%PDF-1.7 made up"), client.Upload{Key: "b.pdf"})
	if err != nil || uploaded.Key != "uploads/b.pdf" {
		t.Errorf("Upload() = %+v, %v, want it below the prefix", uploaded, err)
	}
	for path, want := range map[string]string{"/healthz": "ok", "/readyz": `"postgres":"ok"`, "/metrics": "cas_build_info"} {
		response, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("%s: status %d, %v, want %q", path, response.StatusCode, err, want)
		}
		_ = response.Body.Close()
	}
	code, log := stop()
	if code != 0 || !strings.Contains(log, "server has stopped") || !strings.Contains(log, `"msg":"token is short; make one with: openssl rand -hex 32","service":"crm"`) {
		t.Errorf("exit code %d, log:\n%s", code, log)
	}
	for _, secret := range []string{serveToken, hush + "-metadata", secretKey, "billing.example/" + hush} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}

// TestServe_RedisAway shows that it starts without Redis, and takes documents.
func TestServe_RedisAway(t *testing.T) {
	t.Parallel()
	l := setup(t)
	l.put(t, "a.pdf")
	url, stop := l.serve(t, "--redis-url", "redis://127.0.0.1:1/0")
	c, err := client.New(client.Config{BaseURL: url, Token: serveToken})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	submitted, err := c.Submit(t.Context(), client.Submission{Bucket: l.bucket, Key: "a.pdf"})
	if err != nil || !submitted.New || submitted.Status != "pending" {
		t.Errorf("Submit() = %+v, %v after %s, want a pending document", submitted, err, time.Since(began))
	}
	if code, log := stop(); code != 0 {
		t.Errorf("exit code %d, log:\n%s", code, log)
	}
}

func TestServe_Faults(t *testing.T) {
	t.Parallel()
	l := setup(t)
	const none = "CASFLOW_API_TOKENS (--api-tokens): not set, nor is CASFLOW_API_TOKENS_FILE...give NAME:TOKEN for each service"
	run(t, append([]string{"serve"}, l.settings()...)...).wantFaults(t, 2, none)
	run(t, "serve", "--addr=8080", "--upload-to=bucket", "--api-tokens=hush", "--callback-hosts=https://x/", "--password-from=hush", "--event-broker=groww").wantFaults(t, 2,
		"DATABASE_URL", "CASFLOW_ADDR (--addr): is", "CASFLOW_UPLOAD_TO (--upload-to): is", "CASFLOW_API_TOKENS (--api-tokens): has something that is not NAME:TOKEN",
		"CASFLOW_CALLBACK_HOSTS", "CASFLOW_SECRET_KEY (--secret-key): not set, but required with --password-from", "--password-from=...",
		"--event-broker is groww and --event-kind smart; a broker goes with --event-kind contract_note only")
	taken, stop := l.serve(t)
	defer stop()
	address := strings.TrimPrefix(taken, "http://")
	r := run(t, append([]string{"serve", "--api-tokens", "billing:" + hush, "--addr", address, "--log-level", "error"}, l.settings()...)...)
	r.wantFaults(t, 1, "CASFLOW_ADDR (--addr): ...cannot be listened on; choose another one")
}

// TestServe_PostgresAway shows that it does not start without Postgres.
func TestServe_PostgresAway(t *testing.T) {
	t.Parallel()
	l := setup(t)
	args := append([]string{"serve", "--api-tokens", "billing:" + hush, "--log-level", "error"}, l.settings()...)
	run(t, append(args, "--database-url", string(redact.Secret("postgres://me:hush-1@127.0.0.1:1/db")))...).wantFaults(t, 1, "cannot be reached; check DATABASE_URL")
}
