package enqueuercli_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/storage"
)

// brought is what upload and its like write with --json for each PDF.
type brought struct {
	File       string `json:"file"`
	DocumentID string `json:"document_id"`
	Bucket     string `json:"bucket"`
	Key        string `json:"key"`
	New        bool   `json:"new"`
	Status     string `json:"status"`
	Error      string `json:"error"`
}

// madePDF is a PDF as far as upload looks at it.
func madePDF(content string) string { return "%PDF-1.7 " + content }

// files writes files and returns their paths.
func files(t *testing.T, contents map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, content := range contents {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func (l lab) upload(t *testing.T, words ...string) result {
	t.Helper()
	return run(t, slices.Concat([]string{"upload", "--to", l.address("in")}, l.settings(), words)...)
}

func contentKey(prefix, content, name string) string {
	sum := sha256.Sum256([]byte(content))
	return prefix + hex.EncodeToString(sum[:]) + "/" + name
}

func TestUpload(t *testing.T) {
	t.Parallel()
	l := setup(t)
	dir := files(t, map[string]string{"a.pdf": madePDF("a"), "copy of a.pdf": madePDF("a"), "ZZZPZ0000Z.PDF": madePDF("b")})
	a, copied, b := filepath.Join(dir, "a.pdf"), filepath.Join(dir, "copy of a.pdf"), filepath.Join(dir, "ZZZPZ0000Z.PDF")

	dry := decode[[]brought](t, l.upload(t, a, "--dry-run", "--json").wantDone(t))
	if diff := cmp.Diff([]brought{{File: a, Bucket: l.bucket, New: true}}, dry); diff != "" {
		t.Errorf("dry run (-want +got):\n%s", diff)
	}
	l.wantCount(t, 0)

	first := decode[[]brought](t, l.upload(t, a, "--json", "--batch=desk").wantDone(t))
	keyA := contentKey("in/", madePDF("a"), "a.pdf")
	if len(first) != 1 || first[0].Key != keyA || !first[0].New || first[0].Status != "queued" {
		t.Fatalf("first upload tells %+v, want a queued document of %s", first, keyA)
	}
	if !slices.Contains(tasks(t, storage.QueueInteractive), first[0].DocumentID) {
		t.Error("the task is not in Redis")
	}

	// The same content is the same document, whatever its name; another one is new, and
	// its PAN is nowhere.
	second := decode[[]brought](t, l.upload(t, "--json", "--queue=bulk", a, copied, b).wantDone(t))
	known := first[0]
	known.New = false
	knownToo := known
	knownToo.File = copied
	keyB := contentKey("in/", madePDF("b"), "ZZxxxxxxxZ.pdf")
	fresh := brought{File: filepath.Join(dir, "ZZ*******Z.PDF"), DocumentID: second[2].DocumentID, Bucket: l.bucket, Key: keyB, New: true, Status: "queued"}
	if diff := cmp.Diff([]brought{known, knownToo, fresh}, second); diff != "" {
		t.Errorf("second upload (-want +got):\n%s", diff)
	}
	want := [][]string{{keyA, "interactive", "desk"}, {keyB, "bulk", "<null>"}}
	slices.SortFunc(want, slices.Compare)
	if diff := cmp.Diff(want, l.documents(t, "object_key, queue, batch")); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
	wantText := first[0].DocumentID + "  " + l.address(keyA) + "  queued (known)  " + a + "\n"
	if diff := cmp.Diff(wantText, l.upload(t, a).wantDone(t)); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
}

// What a service uploaded over HTTP, without naming a key, is the same content.
func TestUpload_Served(t *testing.T) {
	t.Parallel()
	l := setup(t)
	key := strings.TrimSuffix(contentKey("in/", madePDF("a"), ""), "/") + ".pdf"
	object := l.putWith(t, key, madePDF("a"), nil)
	l.submit(t, key).wantDone(t)
	path := filepath.Join(files(t, map[string]string{"a.pdf": madePDF("a")}), "a.pdf")
	got := decode[[]brought](t, l.upload(t, path, "--json").wantDone(t))
	if diff := cmp.Diff([]brought{{File: path, DocumentID: idOf(object, "smart"), Bucket: l.bucket, Key: key, Status: "queued"}}, got); diff != "" {
		t.Errorf("upload (-want +got):\n%s", diff)
	}
	l.wantCount(t, 1)
}

// A PDF that is in S3, but not recorded, because the program was killed in between.
func TestUpload_Killed(t *testing.T) {
	t.Parallel()
	l := setup(t)
	l.putWith(t, contentKey("in/", madePDF("a"), "a.pdf"), madePDF("a"), nil)
	path := filepath.Join(files(t, map[string]string{"a.pdf": madePDF("a")}), "a.pdf")
	got := decode[[]brought](t, l.upload(t, path, "--json").wantDone(t))
	if len(got) != 1 || !got[0].New || got[0].Status != "queued" {
		t.Errorf("upload tells %+v, want a new document", got)
	}
}

// A file that fails does not keep the others back, and is named with what to do.
func TestUpload_Faults(t *testing.T) {
	t.Parallel()
	l := setup(t)
	dir := files(t, map[string]string{
		"good.pdf": madePDF("good"), "page.pdf": "<html>", "empty.pdf": "", "large.pdf": madePDF(strings.Repeat("x", 10<<20)),
	})
	path := func(name string) string { return filepath.Join(dir, name) }
	r := l.upload(t, path("page.pdf"), path("empty.pdf"), path("large.pdf"), path("none.pdf"), dir, path("good.pdf"))
	if r.code != 1 || strings.Count(r.stdout, "\n") != 1 || !strings.Contains(r.stdout, "queued  "+path("good.pdf")) {
		t.Errorf("exit code %d, stdout %q, want 1 and the good one", r.code, r.stdout)
	}
	r.stdout = ""
	r.wantFaults(t, 1,
		path("page.pdf")+": is empty, or does not start like a PDF (%PDF-); give",
		path("empty.pdf")+": is empty, or does not",
		path("large.pdf")+": is larger than 10 MiB, which the API does not take",
		path("none.pdf")+": cannot be read: no such file or directory; check its name",
		dir+": is a directory; name the files in it")
	l.wantCount(t, 1)
	got := decode[[]brought](t, l.upload(t, "--json", path("page.pdf"), path("good.pdf")).stdout)
	if len(got) != 2 || got[0].New || !strings.Contains(got[0].Error, "%PDF-") || got[1].Error != "" {
		t.Errorf("with --json: %+v", got)
	}
}

func TestUpload_Usage(t *testing.T) {
	t.Parallel()
	l := setup(t)
	run(t, "upload", "a.pdf", "--kind", "pdf", "--to", "bucket").wantFaults(t, 2, noDatabase, "--kind: is",
		`CASFLOW_UPLOAD_TO (--to): is "bucket"; expected s3://BUCKET/PREFIX`)
	run(t, append([]string{"upload", "a.pdf"}, l.settings()...)...).wantFaults(t, 2, "CASFLOW_UPLOAD_TO (--to): not set; give it as s3://BUCKET/PREFIX")
	run(t, append([]string{"upload", "--to", l.address("")}, l.settings()...)...).wantFaults(t, 2, `expected "<FILE> ..."; see enqueuer upload --help`)
	run(t, append([]string{"upload", "a.pdf", "--to", "s3://no-such-bucket/in"}, l.settings()...)...).wantFaults(t, 1,
		`check bucket: bucket "no-such-bucket": the bucket does not exist`)
}

// Passwords are found by the file's name on this machine, and by its key.
func TestUpload_Passwords(t *testing.T) {
	t.Parallel()
	l := setup(t)
	dir := files(t, map[string]string{"ZZZPA0001Z.pdf": madePDF("a"), "ZZZPB0002Z.pdf": madePDF("b")})
	l.upload(t, filepath.Join(dir, "ZZZPA0001Z.pdf"), filepath.Join(dir, "ZZZPB0002Z.pdf"), "--secret-key="+secretKey,
		"--password-from="+manifest(t, "key,password\nZZZPA0001Z.pdf,hush-a\nZZZPB0002Z.pdf,hush-b\n"),
		"--password-from=env:"+passwordVariable).wantDone(t)
	want := map[string][]string{
		contentKey("in/", madePDF("a"), "ZZxxxxxxxZ.pdf"): {"hush-a", envPassword},
		contentKey("in/", madePDF("b"), "ZZxxxxxxxZ.pdf"): {"hush-b", envPassword},
	}
	if diff := cmp.Diff(want, l.passwords(t)); diff != "" {
		t.Errorf("passwords (-want +got):\n%s", diff)
	}
}

// Told to stop, it records what it has put and says how far it came; what was still on
// its way then, the next run records.
func TestUpload_Interrupted(t *testing.T) {
	t.Parallel()
	l := setup(t)
	contents := map[string]string{}
	for n := range 200 {
		contents[string(rune('a'+n%26))+strings.Repeat("x", n/26)+".pdf"] = madePDF(strings.Repeat("y", n))
	}
	dir := files(t, contents)
	var paths []string
	for name := range contents {
		paths = append(paths, filepath.Join(dir, name))
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var puts atomic.Int64
	endpoint := between(t, func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut && puts.Add(1) == 70 {
			cancel()
		}
		return false
	})
	r := runUntil(ctx, t, slices.Concat([]string{"upload", "--to", l.address("in")}, l.settings(), []string{"--s3-endpoint", endpoint}, paths)...)
	if r.code != 130 || !tells(r.stderr, "interrupted after ... of 200 files") {
		t.Errorf("exit code %d, stderr %q, want 130 and how far it came", r.code, r.stderr)
	}
	done := strings.Count(r.stdout, " queued ")
	if done < 64 || done == 200 {
		t.Errorf("%d are reported, want the first 64 and more, but not all", done)
	}
	l.wantCount(t, done)
	again := decode[[]brought](t, l.upload(t, append(paths, "--json")...).wantDone(t))
	l.wantCount(t, 200)
	for n, one := range again {
		if one.File != paths[n] || one.Status != "queued" {
			t.Errorf("the next run tells %+v of %s", one, paths[n])
		}
	}
}
