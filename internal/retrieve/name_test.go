package retrieve

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/casapi"
)

func TestSafeName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a.pdf": "a.pdf", "April 2025 (1).PDF": "April 2025 (1).pdf", "statement": "statement.pdf", "a.b": "a.b.pdf",
		"": "statement.pdf", ".": "statement.pdf", "..": "statement.pdf", ".pdf": "statement.pdf", "/": "_.pdf",
		"../../etc/passwd": "passwd.pdf", `C:\mail\a.pdf`: "a.pdf", "a\x00\n\x7f.pdf": "a___.pdf", "a?b#c%d.pdf": "a_b_c_d.pdf",
		"ZZZPZ0000Z_04.pdf": "ZZxxxxxxxZ_04.pdf", "zzzpz0000z": "zzxxxxxxxz.pdf", "जून.pdf": "जून.pdf", "\xff.pdf": "_.pdf",
		strings.Repeat("ж", 200) + ".pdf": strings.Repeat("ж", 75) + ".pdf",
	} {
		if got := safeName(name); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
}

func FuzzSafeName(f *testing.F) {
	f.Add("a/../b.pdf")
	f.Fuzz(func(t *testing.T, name string) {
		got := safeName(name)
		if len(got) > 200 || !utf8.ValidString(got) || !strings.HasSuffix(got, ".pdf") || strings.ContainsAny(got, "/\\\x00") || got == ".pdf" {
			t.Errorf("%q becomes %q", name, got)
		}
	})
}

func mail(id, filename, original string) casapi.InboxFile {
	return casapi.InboxFile{File: casapi.File{Filename: filename}, MessageID: id, OriginalFilename: original}
}

func TestMailKeys(t *testing.T) {
	t.Parallel()
	files := []casapi.InboxFile{
		mail("m1", "cdsl_1.pdf", "x.pdf"), mail("m2", "cams_2.pdf", "a.pdf"), mail("m2", "cams_2.pdf", "b.pdf"), mail("", "nsdl_3.pdf", ""),
		mail("<a/b@mail.example>", "", ""), mail("ZZZPZ0000Z", "p.pdf", ""), mail("..", "p.pdf", ""),
	}
	keys := MailKeys("box", files)
	if keys[0] != "box/m1/cdsl_1.pdf" || keys[3] != "" {
		t.Errorf("keys = %q", keys)
	}
	for _, n := range []int{1, 2} { // one mail, two PDFs
		if !regexp.MustCompile(`^box/m2/cams_2-[0-9a-f]{12}\.pdf$`).MatchString(keys[n]) {
			t.Errorf("key = %q", keys[n])
		}
	}
	for _, n := range []int{4, 5, 6} { // ids that keys cannot have, or should not
		if !regexp.MustCompile(`^box/[0-9a-f]{12}/(statement|p)\.pdf$`).MatchString(keys[n]) {
			t.Errorf("key = %q", keys[n])
		}
	}
	if unique := slices.Compact(slices.Sorted(slices.Values(keys))); len(unique) != len(keys) {
		t.Errorf("keys = %q, want each once", keys)
	}
	slices.Reverse(files)
	again := MailKeys("box", files)
	slices.Reverse(again)
	if diff := cmp.Diff(keys, again); diff != "" {
		t.Errorf("in another order (-first +again):\n%s", diff)
	}
}

func TestMailbox(t *testing.T) {
	t.Parallel()
	a := Mailbox("gmail", "Zed@example.invalid")
	if a != Mailbox("Gmail", "zed@example.invalid") || a == Mailbox("zoho", "zed@example.invalid") || a == Mailbox("gmail", "ann@example.invalid") || len(a) != shortID {
		t.Errorf("mailbox = %q", a)
	}
}
