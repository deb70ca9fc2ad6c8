package enqueuercli_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// rows is all that redriving may change.
func (g graveyard) rows(t *testing.T) [][]string {
	t.Helper()
	return storagetest.Rows(t, g.url, `
SELECT document_id, d.status, d.attempts, d.updated_at, encode(d.sealed_passwords, 'hex'), l.redriven_at, l.discarded_at
FROM cas.documents d FULL JOIN cas.dead_letters l USING (document_id) ORDER BY 1`)
}

func TestRedrive_Chosen(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		flags func(ids []uuid.UUID) []string
		dry   string
		done  string
		left  []int // of the documents
	}{
		{
			"reason", func([]uuid.UUID) []string { return []string{"--reason", "wrong_password"} },
			"wrong_password: 2 documents\n2 documents would be redriven, for at most 2 credits\n",
			"2 documents put back; running workers take them up\n",
			[]int{1},
		},
		{
			"batch", func([]uuid.UUID) []string { return []string{"--batch", "may"} },
			"not_a_pdf: 1 document\nwrong_password: 1 document\n2 documents would be redriven, for at most 2 credits\n",
			"2 documents put back; running workers take them up\n",
			[]int{2},
		},
		{
			"document", func(ids []uuid.UUID) []string {
				return []string{"--document", ids[1].String(), "--document", ids[3].String()}
			},
			"not_a_pdf: 1 document\n1 document would be redriven, for at most 1 credit\n",
			"1 document put back; running workers take them up\n",
			[]int{0, 2},
		},
		{
			"limit", func([]uuid.UUID) []string { return []string{"--limit", "1"} },
			"wrong_password: 1 document\n1 document would be redriven, for at most 1 credit\n",
			"1 document put back; running workers take them up\n",
			[]int{1, 2},
		},
		{
			"age", func([]uuid.UUID) []string { return []string{"--older-than", "36h"} },
			"wrong_password: 1 document\n1 document would be redriven, for at most 1 credit\n",
			"1 document put back; running workers take them up\n",
			[]int{1, 2},
		},
		{
			"all", func([]uuid.UUID) []string { return []string{"--all"} },
			"not_a_pdf: 1 document\nwrong_password: 2 documents\n3 documents would be redriven, for at most 3 credits\n",
			"3 documents put back; running workers take them up\n", nil,
		},
		{
			"nothing", func([]uuid.UUID) []string { return []string{"--reason", "crashed"} },
			"0 documents would be redriven, for at most 0 credits\n",
			"0 documents put back; running workers take them up\n",
			[]int{0, 1, 2},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g := setupGraveyard(t)
			before, flags := g.rows(t), test.flags(g.ids)
			if diff := cmp.Diff(test.dry, g.redrive(t, append(flags, "--dry-run")...).wantDone(t)); diff != "" {
				t.Errorf("dry run (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, g.rows(t)); diff != "" {
				t.Errorf("changed by a dry run (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.done, g.redrive(t, flags...).wantDone(t)); diff != "" {
				t.Errorf("redrive (-want +got):\n%s", diff)
			}
			dead := map[uuid.UUID]bool{}
			want := texts(g.task) // a task without a document cannot be brought back
			for _, n := range test.left {
				dead[g.ids[n]] = true
				want = append(want, g.ids[n].String())
			}
			if diff := cmp.Diff(want, g.list(t)); diff != "" {
				t.Errorf("dead letters afterwards (-want +got):\n%s", diff)
			}
			for n, id := range g.ids[:3] {
				document, err := g.db.Document(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				status, attempts := storage.StatusPending, 0
				if dead[id] {
					status, attempts = storage.StatusDead, 1
				}
				if document.Status != status || document.Attempts != attempts {
					t.Errorf("document %d is %s after %d attempts, want %s after %d", n, document.Status, document.Attempts, status, attempts)
				}
			}
		})
	}
}

func TestRedrive_DryRunAnswered(t *testing.T) {
	t.Parallel()
	g := setupGraveyard(t)
	answer := storage.Answer{DocumentID: g.ids[2], Endpoint: "/v4/smart/parse", Body: []byte("{}"), ReceivedAt: time.Now(), SHA256: [32]byte{1}}
	if err := g.db.SaveAnswer(t.Context(), answer, storage.AttemptEnd{}); err != nil {
		t.Fatal(err)
	}
	const want = "not_a_pdf: 1 document\n" +
		"wrong_password: 2 documents (1 of them at no cost: the answer is kept)\n" +
		"3 documents would be redriven (1 of them at no cost: the answer is kept), for at most 2 credits\n"
	if diff := cmp.Diff(want, g.redrive(t, "--all", "--dry-run").wantDone(t)); diff != "" {
		t.Errorf("dry run (-want +got):\n%s", diff)
	}
}

func TestRedrive_Passwords(t *testing.T) {
	t.Parallel()
	g := setupGraveyard(t)
	sealer := newSealer(t)
	var sealed [][]byte
	for _, id := range g.ids {
		old, err := sealer.Passwords(id, redactAll("hush-old"))
		if err != nil {
			t.Fatal(err)
		}
		sealed = append(sealed, old)
	}
	if err := g.db.ReplacePasswords(t.Context(), g.ids, sealed); err != nil {
		t.Fatal(err)
	}
	g.putWith(t, "in/b.pdf", "overwritten since", map[string]string{"pw": "hush-metadata"})

	// The limit is of documents: the bad task before them does not count. The
	// second has no password in the manifest, the third is not chosen.
	source := manifest(t, "key,password\n"+panKey+",hush-1\nc.pdf,hush-3\n")
	before := g.rows(t)
	for flag, want := range map[string]string{
		source: "a new password is found for 1 of them, none for 1: they keep what they have",
		manifest(t, "key,password\nin/other.pdf,hush-4\n"): "a new password is found for none of them: all keep what they have",
		"metadata:pw": "a new password is found for 1 of them, none for 1: they keep what they have",
		"key:.+":      "a new password is found for all of them",
	} {
		told := g.redrive(t, "--limit", "2", "--dry-run", "--secret-key", secretKey, "--password-from", flag).wantDone(t)
		if want := "2 documents would be redriven, for at most 2 credits; " + want + "\n"; !strings.HasSuffix(told, want) {
			t.Errorf("dry run with %s tells\n%swant\n%s", flag, told, want)
		}
	}
	if diff := cmp.Diff(before, g.rows(t)); diff != "" {
		t.Errorf("changed by a dry run (-want +got):\n%s", diff)
	}
	got := g.redrive(t, "--limit", "2", "--secret-key", secretKey, "--password-from", source).wantDone(t)
	if want := "2 documents put back, 1 of them with new passwords; running workers take them up\n"; got != want {
		t.Errorf("redrive tells %q, want %q", got, want)
	}
	want := map[string][]string{panKey: {"hush-1"}, "in/b.pdf": {"hush-old"}, "in/c.pdf": {"hush-old"}, "in/alive.pdf": {"hush-old"}}
	if diff := cmp.Diff(want, g.passwords(t)); diff != "" {
		t.Errorf("passwords after the first redrive (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(texts(g.task, g.ids[2]), g.list(t)); diff != "" {
		t.Errorf("dead letters after the first redrive (-want +got):\n%s", diff)
	}

	// From metadata, which the missing object of the other does not have.
	g.kill(t, g.ids[1], storage.ReasonWrongPassword)
	got = g.redrive(t, "--reason", "wrong_password", "--secret-key", secretKey, "--password-from", "metadata:pw").wantDone(t)
	if want := "2 documents put back, 1 of them with new passwords; running workers take them up\n"; got != want {
		t.Errorf("redrive tells %q, want %q", got, want)
	}
	want["in/b.pdf"] = []string{"hush-metadata"}
	if diff := cmp.Diff(want, g.passwords(t)); diff != "" {
		t.Errorf("passwords after the second redrive (-want +got):\n%s", diff)
	}

	// Where nothing is chosen, nothing is, and not everything.
	if got := g.redrive(t, "--all", "--secret-key", secretKey, "--password-from", source).wantDone(t); got[0] != '0' {
		t.Errorf("redrive of nothing tells %q", got)
	}
}
