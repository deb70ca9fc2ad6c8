package storage_test

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// TestAppendField: a text is written in binary form as Postgres does, or not at all.
func TestAppendField(t *testing.T) {
	t.Parallel()
	_, address := storagetest.NewURL(t)
	texts := map[string][]string{
		"numeric": {
			"0", "-0", "0.00", "1", "-1", "1.0", "1.00", "10000", "9999", "99990000", "0.0001", "0.00010", "0.00001", "-0.000000012300", "123456789.5",
			"00012.50", "12345678901234567890.123456789", "1e-7", "1.50e1", "1.5E+3", "-12e-1", "100e-2", "1e100", "0e5", "-2.5e-40", strings.Repeat("9", 500) + ".1",
		},
		"integer":     {"0", "-1", "2147483647", "007"},
		"date":        {"1999-12-31", "2000-01-01", "2024-02-29", "0001-01-01", "9999-12-31"},
		"boolean":     {"true", "false"},
		"text":        {"a", "ä \"b\" \\", " "},
		"jsonb":       {`{"a": 1}`, `[1.50, null, "ä"]`},
		"timestamptz": {"2025-05-01T10:00:00+05:30", "2025-05-01T10:00:00.123456Z", "1999-12-31T23:59:59.999999-08:00", "2025-05-01T9:00:00+15:59", "0001-01-01T00:00:00Z"},
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		text := fmt.Sprint(random.Int64N(1 << random.IntN(60)))
		if places := random.IntN(12); places > 0 {
			text += "." + fmt.Sprintf("%0*d", places, random.Int64N(1<<random.IntN(30)))
		}
		if random.IntN(3) == 0 {
			text = "-" + text
		}
		if random.IntN(8) == 0 {
			text += fmt.Sprintf("e%d", random.IntN(60)-30)
		}
		texts["numeric"] = append(texts["numeric"], text)
	}
	send := map[string]string{
		"numeric": "numeric_send", "integer": "int4send", "date": "date_send", "boolean": "boolsend", "text": "textsend", "jsonb": "jsonb_send",
		"timestamptz": "timestamptz_send",
	}
	for cast, all := range texts {
		values := make([]string, len(all))
		for i, text := range all {
			values[i] = fmt.Sprintf("(%d, encode(%s('%s'::%s), 'hex'))", i, send[cast], strings.ReplaceAll(text, "'", "''"), cast)
		}
		for i, row := range storagetest.Rows(t, address, "SELECT v FROM (VALUES "+strings.Join(values, ", ")+") AS t (n, v) ORDER BY n") {
			field, ok := storage.AppendField(cast, &all[i])
			if !ok || hex.EncodeToString(field[4:]) != row[0] {
				t.Errorf("%s %q: %x, %t, want %s", cast, all[i], field, ok, row[0])
			}
		}
	}
	for _, list := range [][]string{{}, {"a"}, {`a "b"`, `c\d,{e}`, "", "NULL"}} {
		want := storagetest.Rows(t, address, "SELECT encode(array_send($1::text[]), 'hex')", list)[0][0]
		if field, ok := storage.AppendField("text[]", &list); !ok || hex.EncodeToString(field[4:]) != want {
			t.Errorf("%q: %x, %t, want %s", list, field, ok, want)
		}
	}
	for cast, unknown := range map[string][]string{
		"numeric":     {"NaN", "Infinity", ".5", "5 ", "1,5", "1e", "1e9999", strings.Repeat("1", 1001)},
		"integer":     {"1.0", "2147483648", "x"},
		"date":        {"2025-02-30", "30-Apr-2025", "10000-01-01", "0000-12-31"},
		"boolean":     {"t", "yes"},
		"timestamptz": {"2025-05-01T10:00:00.1234567Z", "2025-05-01 10:00:00", "now", "0000-01-01T00:00:00Z", "2025-05-01T10:00:00+16:00", "2025-05-01T10:00:00-23:59", "2025-05-01T10:00:00,5Z"},
	} {
		for _, text := range unknown {
			if field, ok := storage.AppendField(cast, &text); ok {
				t.Errorf("%s %q: %x, want that it is left to Postgres", cast, text, field)
			}
		}
	}
}
