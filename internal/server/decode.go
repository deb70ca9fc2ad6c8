package server

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"casflow/client"
)

// maxJSON bounds the body of a request that is one JSON object, in bytes.
const maxJSON = 64 << 10

// readJSON reads the body of a request into v, strictly: what v has no field for is
// an error.
func readJSON(w http.ResponseWriter, r *http.Request, v any) error {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return newProblem(http.StatusUnsupportedMediaType, "the body's type is not application/json")
	}
	body, err := readBody(w, r, maxJSON)
	if err != nil {
		return err
	}
	return decode(body, v)
}

// readBody reads a small body whole.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); err != nil && !tooLarge {
		err = newProblem(http.StatusBadRequest, "the body ends too early")
	}
	return body, err
}

// decode reads a JSON object into v, strictly. Its error names the field.
func decode(text []byte, v any) error {
	err := json.Unmarshal(text, v, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	if fault, ok := errors.AsType[*json.SemanticError](err); ok {
		field := fieldOf(fault.JSONPointer)
		if errors.Is(fault.Err, json.ErrUnknownName) {
			return badFields(fieldError(field, "is not known"))
		}
		return badFields(fieldError(field, "is not %s", kindOf(fault.GoType)))
	}
	if fault, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if errors.Is(fault.Err, jsontext.ErrDuplicateName) {
			return badFields(fieldError(fieldOf(fault.JSONPointer), "is given twice"))
		}
		return newProblem(http.StatusBadRequest, "not a JSON object, at byte %d", fault.ByteOffset)
	}
	return newProblem(http.StatusBadRequest, "not a JSON object")
}

// fieldOf is a place in a JSON object as problems name it: passwords.1.
func fieldOf(place jsontext.Pointer) string {
	const most = 100
	name := strings.Join(slices.Collect(place.Tokens()), ".")
	if name == "" {
		return "body"
	}
	return strings.ToValidUTF8(name[:min(len(name), most)], "")
}

// kindOf says what a field takes.
func kindOf(t reflect.Type) string {
	if t == nil {
		return "what is expected"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Slice:
		return "a list"
	case reflect.Struct:
		return "an object"
	default:
		return "a string"
	}
}

// readQuery checks that a request has no other parameters than these, and none of
// them twice.
func readQuery(r *http.Request, known ...string) (url.Values, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, newProblem(http.StatusBadRequest, "the query cannot be read")
	}
	var faults []client.FieldError
	for name, values := range query {
		switch {
		case !slices.Contains(known, name):
			faults = append(faults, fieldError(name, "is not known"))
		case len(values) > 1:
			faults = append(faults, fieldError(name, "is given twice"))
		}
	}
	if len(faults) > 0 {
		return nil, badFields(faults...)
	}
	return query, nil
}
