package enqueuercli_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"casflow/internal/casapi/sandbox"
)

// office is a lab with a stand-in API, whose downloads are counted.
type office struct {
	lab
	api          *sandbox.Sandbox
	url, keyFile string
	downloads    *atomic.Int64
}

func setupOffice(t *testing.T) office {
	t.Helper()
	o := office{
		lab: setup(t), keyFile: secretFile(t, accountKey), downloads: new(atomic.Int64),
		api: sandbox.New(sandbox.Config{Key: accountKey, Credits: 5}),
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/files/") {
			o.downloads.Add(1)
		}
		o.api.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	o.url = server.URL
	return o
}

// account are the flags of commands that ask the API.
func (o office) account() []string {
	return []string{"--api-base-url", o.url, "--api-key-file", o.keyFile}
}

// fetching are the flags of commands that bring files by its links, too.
func (o office) fetching() []string {
	return slices.Concat(o.settings(), o.account(), []string{"--to", o.address("in")})
}

// call runs a command that only asks the API.
func (o office) call(t *testing.T, words ...string) result {
	t.Helper()
	return run(t, append(words, o.account()...)...)
}

// wantLeft checks the account's balance.
func (o office) wantLeft(t *testing.T, want string) {
	t.Helper()
	text := o.call(t, "account", "credits").wantDone(t)
	if !regexp.MustCompile(`left\s+` + regexp.QuoteMeta(want) + `\n`).MatchString(text) {
		t.Errorf("the account tells, want %s left:\n%s", want, text)
	}
}
