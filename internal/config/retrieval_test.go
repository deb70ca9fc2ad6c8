package config

import (
	"strings"
	"testing"

	"casflow/internal/redact"
)

// These tests set the environment, so they are not parallel.

func TestHiddenSecrets(t *testing.T) {
	groups := map[string]struct {
		secret func(file string) (redact.Secret, error)
		flag   string
		needed bool
	}{
		"CASPARSER_INBOX_TOKEN": {func(f string) (redact.Secret, error) { return InboxToken{f}.Secret() }, "inbox-token-file", true},
		"CASPARSER_OTP":         {func(f string) (redact.Secret, error) { return OTP{f}.Secret() }, "otp-file", false},
		"CASPARSER_MAILBACK_PASSWORD": {
			func(f string) (redact.Secret, error) { return MailbackPassword{f}.Secret() }, "mailback-password-file", false,
		},
	}
	for variable, group := range groups {
		none := ""
		if group.needed {
			none = variable + ": not set, nor is " + variable + "_FILE (--" + group.flag + ")"
		}
		for name, test := range map[string]struct {
			value, file string
			want        redact.Secret
			says        string
		}{
			"Variable": {value: " geheim-1\n", want: "geheim-1"},
			"File":     {file: write(t, "geheim-2\r\n"), want: "geheim-2"},
			"None":     {says: none},
			"Both":     {value: "geheim-1", file: write(t, "geheim-2"), says: variable + ": set, and " + variable + "_FILE (--" + group.flag + ") too"},
			"Empty":    {file: write(t, " "), says: variable + "_FILE (--" + group.flag + "): is"},
		} {
			t.Run(variable+"/"+name, func(t *testing.T) {
				t.Setenv(variable, test.value)
				got, err := group.secret(test.file)
				if got != test.want || (err == nil) != (test.says == "") {
					t.Fatalf("secret = %q, %v, want %q and %q", got.Reveal(), err, test.want.Reveal(), test.says)
				}
				if err != nil && (!strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), geheim)) {
					t.Errorf("err = %v, want one that says %q and no secret", err, test.says)
				}
			})
		}
	}
}

func TestDestination(t *testing.T) {
	t.Parallel()
	for to, want := range map[string][2]string{
		"s3://b": {"b", ""}, "s3://b/": {"b", ""}, "s3://b/in": {"b", "in/"}, "s3://b/in/april/": {"b", "in/april/"},
		"": {}, "b/in": {}, "s3://": {}, "s3:///in": {"", "in/"}, "https://b/in": {},
	} {
		d := Destination{To: to}
		if bucket, prefix := d.Upload(); [2]string{bucket, prefix} != want {
			t.Errorf("%q: %q, %q, want %q", to, bucket, prefix, want)
		}
		if err := d.Faults(); (err == nil) != (want[0] != "") {
			t.Errorf("%q: faults %v", to, err)
		}
	}
}

func TestFileHosts(t *testing.T) {
	t.Parallel()
	for host, good := range map[string]bool{
		"files.example.com": true, "": false, "Files.example.com": false, "*.example.com": false, "https://x": false, "x/y": false, "a:443": false, "me@x": false,
	} {
		if err := (FileHosts{Hosts: []string{"a.example", host}}).Faults(); (err == nil) != good {
			t.Errorf("%q: faults %v", host, err)
		}
	}
}
