package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/samples"
)

// TestPipeline_Sources: PDFs of this machine, of a mailbox and of CDSL become rows, and
// cost nothing when they are brought once more. Nothing of it shows in Redis or logs.
func TestPipeline_Sources(t *testing.T) {
	t.Setenv("TEST_INVESTOR_PAN", sandbox.MailboxPAN) // so it is not parallel
	p := newPipeline(t, sandbox.Config{Credits: 20})
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key := file("key", []byte(apiKey))
	var uploads []string
	manifest := "key,password\n"
	for s := range samples.Generate(moderate(samples.Options{Investors: 2, Seed: 31})) {
		pdf, err := s.PDF()
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(s.Filename)
		uploads = append(uploads, file(name, pdf))
		manifest += name + "," + s.Password + "\n"
		p.keepSecretsOf(sample{Sample: s})
	}
	passwords := file("manifest.csv", []byte(manifest))
	token := p.api.ConnectInbox("gmail")
	p.keepSecret("token of the mailbox", token)
	p.keepSecret("PAN", sandbox.MailboxPAN)
	p.keepSecret("link to a file", p.apiURL+"/files/")
	tokenFile, otpFile := file("token", []byte(token)), file("otp", []byte(sandbox.DefaultOTP))

	api := []string{"--api-base-url", p.apiURL, "--api-key-file", key}
	to := []string{"--to", "s3://" + p.bucket + "/in", "--batch", "sources"}
	ofInvestor := []string{"--password-from", "env:TEST_INVESTOR_PAN"}
	bring := func() {
		p.enqueuer(p.settings(slices.Concat([]string{"upload"}, uploads, to, []string{"--password-from", "manifest:" + passwords})...)...)
		p.enqueuer(p.settings(slices.Concat([]string{"inbox", "import", "--inbox-token-file", tokenFile}, api, to, ofInvestor)...)...)
		session := p.enqueuer(slices.Concat([]string{"cdsl", "fetch", "--pan", sandbox.MailboxPAN, "--bo-id", "1299990000004321", "--dob", "1980-01-31"}, api)...)
		p.enqueuer(p.settings(slices.Concat([]string{
			"cdsl", "verify", "--session", strings.TrimSpace(session), "--otp-file", otpFile, "--periods", "2",
		}, api, to, ofInvestor)...)...)
	}
	bring()
	p.drain()
	want := len(uploads) + 3 + 2
	check := func() {
		t.Helper()
		fates := p.fates()
		if len(fates) != want {
			t.Errorf("%d documents, want %d", len(fates), want)
		}
		for key, fate := range fates {
			if fate.Status != "parsed" || fate.Attempts != 1 {
				t.Errorf("%s ended as %+v, want parsed at the first attempt", key, fate)
			}
		}
		if got := p.api.Totals(); got.Billed != want {
			t.Errorf("totals %+v, want %d billed", got, want)
		}
	}
	check()
	bring()
	p.drain()
	check()
}
