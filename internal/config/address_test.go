package config

import (
	"strings"
	"testing"

	"casflow/internal/redact"
)

func TestWithoutCredentials(t *testing.T) {
	t.Parallel()
	for address, want := range map[redact.Secret]string{
		"": "",
		"postgres://me:geheim@h:5432/db?sslmode=disable":   "postgres://h:5432/db",
		"postgres://me:geh@im@h/db":                        "postgres://h/db",
		"postgres://me:geh#im@h/db":                        "postgres://h/db",
		"postgres://h1:1,h2:2/db":                          "postgres://h1:1,h2:2/db",
		"postgres://me:geheim@[::1]:5432/db":               "postgres://[::1]:5432/db",
		"postgres:///db?host=/run&user=me&password=geheim": "postgres:///db",
		"redis-sentinel://:geheim@h1,h2/0?master=m":        "redis-sentinel://h1,h2/0",
		"https://s3.example/":                              "https://s3.example",
		"postgres://me:geh/eim@h/db":                       "[redacted]",
		"postgres://me:geh?eim@h/db":                       "[redacted]",
		"postgres://me:geheim@1/2@h/db":                    "[redacted]",
		"postgres://me:geheim":                             "[redacted]",
		"host=h password=geheim":                           "[redacted]",
		"geheim":                                           "[redacted]",
	} {
		if got := WithoutCredentials(address); got != want {
			t.Errorf("WithoutCredentials(%q) = %q, want %q", address.Reveal(), got, want)
		}
	}
}

func FuzzWithoutCredentials(f *testing.F) {
	for _, password := range []string{"geheim", "ge/heim", "ge?heim", "ge#heim", "ge@heim", "ge@1/heim", "ge:heim", "ge,heim", "ge]heim", "://"} {
		f.Add(password)
	}
	f.Fuzz(func(t *testing.T, password string) {
		const mark = "GEHEIM"
		shown := WithoutCredentials(redact.Secret("postgres://me:" + password + mark + "@h:5432/db?sslmode=disable"))
		if strings.Contains(shown, mark) {
			t.Errorf("password %q is shown: %q", password+mark, shown)
		}
	})
}
