package enqueuercli_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"casflow/internal/storage/storagetest"
)

// fill puts n objects named 00000.pdf, 00001.pdf and so on.
func (l lab) fill(t *testing.T, n int) {
	t.Helper()
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(32)
	for i := range n {
		group.Go(func() error {
			_, err := l.store.Put(ctx, l.bucket, fmt.Sprintf("%05d.pdf", i), strings.NewReader("x"), 1, nil)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

// More than two pages of a listing, scanned in steps.
func TestScan_Pages(t *testing.T) {
	t.Parallel()
	l := setup(t)
	const n = 2500
	l.fill(t, n)
	// The first page would suffice for the first limit, the second needs two.
	l.scan(t, "", "--json", "--limit", "10").
		wantSummary(t, summary{Bucket: l.bucket, Listed: 1000, New: 10, WithoutPassword: 10})
	l.scan(t, "", "--json", "--limit", "1490").
		wantSummary(t, summary{Bucket: l.bucket, Listed: 2000, Known: 10, New: 1490, WithoutPassword: 1490})
	l.wantCount(t, 1500)
	l.scan(t, "", "--json").
		wantSummary(t, summary{Bucket: l.bucket, Listed: n, Known: 1500, New: 1000, WithoutPassword: 1000})
	l.scan(t, "", "--json").wantSummary(t, summary{Bucket: l.bucket, Listed: n, Known: n})
	l.wantCount(t, n)
	if got := l.documents(t, "object_key"); got[0][0] != "00000.pdf" || got[n-1][0] != "02499.pdf" {
		t.Errorf("recorded from %s to %s, want all", got[0][0], got[n-1][0])
	}
}

// between is an S3 server that first asks look about each request, which tells
// whether it has answered.
func between(t *testing.T, look func(http.ResponseWriter, *http.Request) bool) (endpoint string) {
	t.Helper()
	behind, err := url.Parse(s3Server.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(behind)
		r.Out.Host = r.In.Host // it is signed
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !look(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// A scan that ends in the middle says how far it came, and another one goes on
// from there.
func TestScan_Resumed(t *testing.T) {
	t.Parallel()
	l := setup(t)
	const n = 1010
	l.fill(t, n)
	for _, test := range []struct {
		name    string
		instead func(http.ResponseWriter, *http.Request, context.CancelFunc)
		code    int
		fault   string
	}{
		{"refused", func(w http.ResponseWriter, _ *http.Request, _ context.CancelFunc) {
			w.WriteHeader(http.StatusForbidden)
		}, 1, "check the credentials..."},
		{"interrupted", func(_ http.ResponseWriter, r *http.Request, interrupt context.CancelFunc) {
			interrupt()
			<-r.Context().Done() // the request is given up
		}, 130, "context canceled..."},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := l
			l.db, l.url = storagetest.NewURL(t)
			scan := func(flags ...string) result {
				ctx, interrupt := context.WithCancel(t.Context())
				defer interrupt()
				endpoint := between(t, func(w http.ResponseWriter, r *http.Request) bool {
					second := r.URL.Query().Has("continuation-token")
					if second {
						test.instead(w, r, interrupt)
					}
					return second
				})
				return runUntil(ctx, t, slices.Concat([]string{"scan", l.address("")}, l.settings(), []string{"--s3-endpoint", endpoint}, flags)...)
			}
			r := scan("--dry-run")
			r.wantFaults(t, test.code, "list objects..."+test.fault)
			if strings.Contains(r.stderr, "recorded") {
				t.Errorf("a dry run has recorded nothing, but tells %q", r.stderr)
			}
			l.wantCount(t, 0)
			scan().wantFaults(t, test.code, "list objects..."+test.fault+"; 1000 documents recorded so far, run the scan again to go on")
			l.wantCount(t, 1000)
			l.scan(t, "", "--json", "--listers", "3").wantSummary(t, summary{
				Bucket: l.bucket, Listed: 10, New: 10, WithoutPassword: 10, Resumed: &sofar{Listed: 1000, New: 1000, WithoutPassword: 1000},
			})
			l.wantCount(t, n)
			l.scan(t, "", "--json").wantSummary(t, summary{Bucket: l.bucket, Listed: n, Known: n}) // anew

			l.db, l.url = storagetest.NewURL(t)
			scan().wantFaults(t, test.code, "list objects..."+test.fault)
			text := l.scan(t, "").wantDone(t)
			if !strings.HasPrefix(text, "went on with the scan of 20") ||
				!strings.Contains(text, "Z, which had listed 1000 objects and recorded 1000; objects put since then into what it had listed are for the next scan\n10 objects listed") {
				t.Errorf("a scan that goes on with another one tells\n%s", text)
			}
		})
	}
}

// A scan that is killed has lost nothing: another one goes on where it was, lists
// and records nothing twice, and says so.
func TestScan_Killed(t *testing.T) {
	t.Parallel()
	l := setup(t)
	const n, pages = 12_000, 7
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("in/%05d.pdf", i)
	}
	l.bucket += "-many"
	if err := s3Server.Fill(t.Context(), l.bucket, slices.Values(keys)); err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int64
	struck := make(chan struct{})
	endpoint := between(t, func(_ http.ResponseWriter, r *http.Request) bool {
		query := r.URL.Query()
		if query.Get("list-type") != "2" || query.Get("max-keys") == "1" {
			return false
		}
		n := asked.Add(1)
		if n <= pages {
			return false
		}
		if n == pages+1 {
			close(struck)
		}
		<-r.Context().Done() // nobody gets what is asked for now
		return true
	})
	scan, _ := program(t, slices.Concat([]string{"scan", l.address("in/")}, l.settings(), []string{"--s3-endpoint", endpoint, "--listers", "3"})...)
	if err := scan.Start(); err != nil {
		t.Fatal(err)
	}
	<-struck
	if err := scan.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = scan.Wait() // killed
	got := decode[summary](t, l.scan(t, "in/", "--json").wantDone(t))
	if got.Resumed == nil || got.Resumed.New == 0 || got.Resumed.Listed+got.Listed != n {
		t.Errorf("the next scan tells %+v after %+v, want it to list what was left of %d", got, got.Resumed, n)
	}
	// Postgres may have been at a page, of which that scan was told nothing.
	if got.New+got.Known != got.Listed || got.Known > 3*1000 || got.LeftOut != 0 {
		t.Errorf("the next scan tells %+v, want all that it lists to be recorded", got)
	}
	l.wantCount(t, n)
}

// A limit spares S3 the questions about what is not recorded anyway.
func TestScan_LimitOfMetadata(t *testing.T) {
	t.Parallel()
	l := setup(t)
	l.fill(t, 50)
	var asked atomic.Int64
	endpoint := between(t, func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodHead && strings.HasSuffix(r.URL.Path, ".pdf") {
			asked.Add(1)
		}
		return false
	})
	flags := []string{"--json", "--s3-endpoint", endpoint, "--secret-key", secretKey, "--password-from", "metadata:pw"}
	l.scan(t, "", append(flags, "--limit", "3")...).wantSummary(t, summary{Bucket: l.bucket, Listed: 50, New: 3, WithoutPassword: 3})
	l.scan(t, "", append(flags, "--limit", "2")...).wantSummary(t, summary{Bucket: l.bucket, Listed: 50, Known: 3, New: 2, WithoutPassword: 2})
	if got := asked.Load(); got != 5 {
		t.Errorf("S3 was asked for the metadata of %d objects, want 5", got)
	}
}
