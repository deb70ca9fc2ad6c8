package jobs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"casflow/internal/storage"
)

// decodeAnswer reads an answer for being changed.
func decodeAnswer(t *testing.T, body []byte) any {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var answer any
	if err := decoder.Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

// eachValue calls visit for every value below v, with a function that puts
// another value in its place.
func eachValue(v any, path string, visit func(path string, value any, replace func(any))) {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			visit(path+"."+name, value, func(other any) { v[name] = other })
			eachValue(value, path+"."+name, visit)
		}
	case []any:
		for i, value := range v {
			at := fmt.Sprintf("%s[%d]", path, i)
			visit(at, value, func(other any) { v[i] = other })
			eachValue(value, at, visit)
		}
	}
}

func normalizeAny(t *testing.T, answer any, kind string) (*storage.Statement, error) {
	t.Helper()
	body, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	return readAnswer(body, kind)
}

// TestNormalize_NothingIsLost puts something into the place of each value that
// cannot be meant there, one after the other: it must be found in the rows, or
// the answer must be refused, which keeps it.
func TestNormalize_NothingIsLost(t *testing.T) {
	t.Parallel()
	const mark = "PUT_IN_ITS_PLACE"
	for name, kind := range goldens {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body, _ := golden(t, name)
			answer := decodeAnswer(t, body)
			checked := 0
			eachValue(answer, "", func(path string, value any, replace func(any)) {
				defer replace(value)
				for form, other := range map[string]any{"text": mark, "object": map[string]any{mark: 1}, "array": []any{mark}} {
					replace(other)
					statement, err := normalizeAny(t, answer, kind)
					switch {
					case errors.Is(err, errBadAnswer), errors.Is(err, errMissingPAN):
					case err != nil:
						t.Errorf("%s in %s: %v", form, path, err)
					case !strings.Contains(encode(t, statement), mark):
						t.Errorf("%s in %s is lost", form, path)
					default:
						checked++
					}
				}
			})
			if checked < 20 {
				t.Errorf("only %d values were checked", checked)
			}
		})
	}
}

// zero is a column that says 0.
var zero = regexp.MustCompile(`^[-+]?0+(\.0*)?(e[-+]?\d+)?$`)

// TestNormalize_UnknownIsNotZero puts what means unknown, or is unreadable, in
// the place of every number: a wrong amount is worse than none.
func TestNormalize_UnknownIsNotZero(t *testing.T) {
	t.Parallel()
	for name, kind := range goldens {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body, _ := golden(t, name)
			for form, unknown := range map[string]any{
				"null": nil, "empty": "", "space": " ", "dash": "-", "word": "N/A", "array": []any{}, "object": map[string]any{}, "percent": "0%",
			} {
				answer := decodeAnswer(t, body)
				eachValue(answer, "", func(_ string, value any, replace func(any)) {
					if _, ok := value.(json.Number); ok {
						replace(unknown)
					}
				})
				statement, err := normalizeAny(t, answer, kind)
				if err != nil {
					t.Fatal(err)
				}
				eachValue(decodeAnswer(t, []byte(encode(t, statement))), "", func(path string, value any, _ func(any)) {
					if text, ok := value.(string); ok && zero.MatchString(text) {
						t.Errorf("%s: %s is %q, want it unknown", form, path, text)
					}
				})
			}
		})
	}
}

// TestNormalize_ZeroIsNotUnknown is the other side: a 0 that was said stays.
func TestNormalize_ZeroIsNotUnknown(t *testing.T) {
	t.Parallel()
	_, nsdl := golden(t, "nsdl")
	for name, got := range map[string]string{
		"folio value": nsdl.Folios[0].Value, "scheme units": nsdl.Schemes[0].Units, "insurance value": nsdl.Summary.Insurance.Value,
	} {
		if got != "0" {
			t.Errorf("%s is %q, want 0", name, got)
		}
	}
}
