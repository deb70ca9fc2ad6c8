package redact

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
)

const secret = Secret("geheim-0123456789")

func TestSecret_DoesNotPrint(t *testing.T) {
	t.Parallel()
	type holder struct {
		Name string `json:"name"`
		Key  Secret `json:"key"`
	}
	printed := map[string]string{
		"String":   secret.String(),
		"Println":  fmt.Sprintln(secret),
		"Error":    fmt.Errorf("call with %v: %w", secret, errors.New("refused")).Error(),
		"Pointer":  fmt.Sprint(new(secret)),
		"Struct":   fmt.Sprintf("%+v", holder{"a", secret}),
		"GoStruct": fmt.Sprintf("%#v", holder{"a", secret}),
		"Slice":    fmt.Sprint([]Secret{secret}),
		"Map":      fmt.Sprint(map[Secret]Secret{secret: secret}),
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%10s", "%-40s", "%.3s", "%t", "%z"} {
		printed[verb] = fmt.Sprintf(verb, secret)
	}
	encoded, err := json.Marshal([]holder{{"a", secret}})
	if err != nil {
		t.Fatal(err)
	}
	printed["JSON"] = string(encoded)
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"slog JSON": func(out *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(out, nil) },
		"slog text": func(out *bytes.Buffer) slog.Handler { return slog.NewTextHandler(out, nil) },
	} {
		var out bytes.Buffer
		slog.New(handler(&out)).InfoContext(t.Context(), "m", slog.Any("a", secret), slog.Any("b", holder{"a", secret}))
		printed[name] = out.String()
	}
	for name, got := range printed {
		// Also not in hexadecimal, nor its beginning.
		if strings.Contains(got, "geh") || strings.Contains(strings.ToLower(strings.ReplaceAll(got, " ", "")), "676568") {
			t.Errorf("%s shows the secret: %s", name, got)
		}
		if !strings.Contains(got, "[redacted]") {
			t.Errorf("%s = %s, want a placeholder in it", name, got)
		}
	}
}

func TestSecret_Empty(t *testing.T) {
	t.Parallel()
	var none Secret
	if got := fmt.Sprintf("<%s>", none); got != "<>" {
		t.Errorf("the empty secret prints %q, want nothing: it must show that none is set", got)
	}
}

func TestSecret_Reveal(t *testing.T) {
	t.Parallel()
	var read Secret
	if err := json.Unmarshal([]byte(`" geheim\n"`), &read); err != nil {
		t.Fatal(err)
	}
	if got, want := read.Reveal(), " geheim\n"; got != want {
		t.Errorf("secret = %q, want %q as it came", got, want)
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text    string
		secrets []Secret
		want    string
	}{
		"None":       {"call failed", nil, "call failed"},
		"Once":       {"key geheim refused", []Secret{"geheim"}, "key [redacted] refused"},
		"Everywhere": {"geheim,geheim", []Secret{"geheim"}, "[redacted],[redacted]"},
		"Several":    {"one1 two2", []Secret{"one1", "two2"}, "[redacted] [redacted]"},
		"Short":      {"abc", []Secret{"abc", ""}, "abc"},
		"Absent":     {"call failed", []Secret{"geheim"}, "call failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Values(test.text, test.secrets...); got != test.want {
				t.Errorf("Values = %q, want %q", got, test.want)
			}
		})
	}
}

func TestPANs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, want string }{
		"Empty":          {"", ""},
		"None":           {"no statement", "no statement"},
		"Alone":          {"ZZZPA0001Z", "ZZ*******Z"},
		"LowerCase":      {"zzzpa0001z", "zz*******z"},
		"MixedCase":      {"zzZPa0001z", "zz*******z"},
		"InText":         {"PAN ZZZPA0001Z, of 2026.", "PAN ZZ*******Z, of 2026."},
		"Several":        {"ZZZPA0001Z ZZZPB0002Y", "ZZ*******Z ZZ*******Y"},
		"Quoted":         {`{"pan":"ZZZPA0001Z"}`, `{"pan":"ZZ*******Z"}`},
		"Path":           {"in/ZZZPA0001Z/2026.pdf", "in/ZZ*******Z/2026.pdf"},
		"Underscores":    {"cas_ZZZPA0001Z_2026.pdf", "cas_ZZ*******Z_2026.pdf"},
		"Query":          {"?pan=ZZZPA0001Z&a=b", "?pan=ZZ*******Z&a=b"},
		"OtherScript":    {"पैनZZZPA0001Z।", "पैनZZ*******Z।"},
		"TooShort":       {"ZZZPA0001", "ZZZPA0001"},
		"LetterBefore":   {"AZZZPA0001Z", "AZZZPA0001Z"},
		"LetterBehind":   {"ZZZPA0001ZA", "ZZZPA0001ZA"},
		"DigitBefore":    {"1ZZZPA0001Z", "1ZZZPA0001Z"},
		"DigitBehind":    {"ZZZPA0001Z1", "ZZZPA0001Z1"},
		"OtherOrder":     {"0001ZZZPAZ", "0001ZZZPAZ"},
		"Hash":           {"9f86d081884c7d659a2feaa0c55ad015", "9f86d081884c7d659a2feaa0c55ad015"},
		"UUID":           {"7c9e6679-7425-40de-944b-e07fc1f90ae7", "7c9e6679-7425-40de-944b-e07fc1f90ae7"},
		"RequestID":      {"req_01HZZZPA0001ZX3V9K2M4N6P8Q", "req_01HZZZPA0001ZX3V9K2M4N6P8Q"},
		"MaskedAlready":  {"ZZ*******Z", "ZZ*******Z"},
		"InvalidUTF8":    {"\xffZZZPA0001Z\xfe", "\xffZZ*******Z\xfe"},
		"NeighboursOnly": {"ZZZPA0001Z-ZZZPB0002Y", "ZZ*******Z-ZZ*******Y"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := PANs(test.text); got != test.want {
				t.Errorf("PANs(%q) = %q, want %q", test.text, got, test.want)
			}
		})
	}
}

func FuzzPANs(f *testing.F) {
	pan := regexp.MustCompile(`(?i)(^|[^a-z0-9])[a-z]{5}[0-9]{4}[a-z]($|[^a-z0-9])`)
	for _, text := range []string{"", "ZZZPA0001Z", "a ZZZPA0001Z,zzzpb0002y", "ZZZPA0001ZZZZPA0001Z", "\xff ZZZPA0001Z", "ZZZPA0001"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := PANs(text)
		if len(got) != len(text) {
			t.Errorf("PANs(%q) = %q, of another length", text, got)
		}
		if again := PANs(got); again != got {
			t.Errorf("PANs(%q) = %q, and of that %q", text, got, again)
		}
		for i := range len(text) {
			if got[i] != text[i] && got[i] != '*' {
				t.Errorf("PANs(%q) = %q changes what is no PAN", text, got)
			}
		}
		if pan.MatchString(strings.ToValidUTF8(got, "?")) {
			t.Errorf("PANs(%q) = %q still shows one", text, got)
		}
	})
}

// BenchmarkPANs masks a text of a log line, without and with a PAN.
func BenchmarkPANs(b *testing.B) {
	for name, text := range map[string]string{
		"None": "statements/2025/04/7c9e6679-7425-40de-944b-e07fc1f90ae7.pdf", "One": "statements/2025/04/ZZZPA0001Z.pdf",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				PANs(text)
			}
		})
	}
}
