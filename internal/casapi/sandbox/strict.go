package sandbox

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// fieldError is what is wrong with a request, fit to be told: it names a field, but
// repeats no value.
type fieldError string

func (f fieldError) Error() string { return string(f) }

// unmarshalStrict reads JSON as its schema has it: names and types, nothing twice
// and nothing else. Its error is a fieldError.
func unmarshalStrict(text []byte, into any) error {
	err := json.Unmarshal(text, into, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	var at jsontext.Pointer
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		at = semantic.JSONPointer
	}
	field := strings.TrimPrefix(string(at), "/")
	switch {
	case field == "" || len(field) > 40:
		return fieldError("The request body is not the JSON object that is expected")
	case errors.Is(err, json.ErrUnknownName):
		return fieldError("Unknown field in the request body: " + field)
	}
	return fieldError("Invalid field in the request body: " + field)
}

// readFields reads the JSON body of a call; an empty one has no fields. The answer
// is made of what is wrong with it by refuse; nil when all is well.
func readFields(r *http.Request, into any, refuse func(msg string) *answer) *answer {
	text, err := io.ReadAll(io.LimitReader(r.Body, maxTextBytes+1))
	if err != nil || len(text) > maxTextBytes {
		return refuse("The request body cannot be read")
	}
	if len(text) == 0 {
		return nil
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != jsonType {
		return refuse("The request body is not JSON: send Content-Type application/json")
	}
	if err := unmarshalStrict(text, into); err != nil {
		return refuse(err.Error())
	}
	return nil
}

// readNothing reads the body of a call that takes no fields.
func readNothing(r *http.Request, refuse func(msg string) *answer) *answer {
	var none struct{}
	return readFields(r, &none, refuse)
}
