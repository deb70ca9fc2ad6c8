package casapi

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// envelope is what an answer says about itself, whatever its shape: read from
// successes (did it fail all the same? is it the unified response?) and from
// errors, whose bodies are JSON of several shapes, HTML or plain text, and may
// be cut off anywhere.
type envelope struct {
	complete bool   // the whole body is one JSON value
	object   bool   // ... or as far as it goes, a JSON object
	unified  bool   // a member of the unified response is there, with its kind
	failed   bool   // "status" says failed or error
	code     string // as it came
	message  string // as it came
	data     []byte // the member "data" or else "status", where it is an object; aliases the body
	in       string // which of them it is
}

// The members that a message is looked for in, best first. Seed and docs use
// msg; clients also read the others.
const (
	fromMsg = iota
	fromMessage
	fromError
	fromDetail
	messageSources
)

// maxMessageDepth bounds the nesting in which a message is looked for.
const maxMessageDepth = 4

// readEnvelope reads body as far as it can. It never fails: what cannot be
// read is missing from the result.
func readEnvelope(body []byte) envelope {
	env := readObject(withoutBOM(body))
	if env.data != nil {
		inner := readObject(env.data)
		env.unified = env.unified || inner.unified
		env.failed = env.failed || inner.failed
		env.code = firstText(env.code, inner.code)
		env.message = firstText(env.message, inner.message)
	}
	return env
}

func readObject(body []byte) envelope {
	var env envelope
	decoder := jsontext.NewDecoder(bytes.NewBuffer(body), tolerant()...)
	if decoder.PeekKind() != jsontext.KindBeginObject {
		value, err := decoder.ReadValue()
		env.complete = err == nil && atEnd(decoder)
		if env.complete {
			env.message, env.code = messageIn(value, 0)
		}
		return env
	}
	env.object = true
	var messages [messageSources]string
	env.complete = env.readMembers(decoder, &messages) == nil && atEnd(decoder)
	env.message = firstText(messages[:]...)
	return env
}

func (env *envelope) readMembers(decoder *jsontext.Decoder, messages *[messageSources]string) error {
	if _, err := decoder.ReadToken(); err != nil {
		return err //nolint:wrapcheck // only whether it failed matters
	}
	for decoder.PeekKind() != jsontext.KindEndObject {
		token, err := decoder.ReadToken()
		if err != nil {
			return err //nolint:wrapcheck // as above
		}
		name := token.String()
		value, err := decoder.ReadValue()
		if err != nil {
			return err //nolint:wrapcheck // as above
		}
		env.readMember(name, value, messages)
	}
	_, err := decoder.ReadToken()
	return err //nolint:wrapcheck // as above
}

func (env *envelope) readMember(name string, value jsontext.Value, messages *[messageSources]string) {
	from := -1
	switch name {
	case "status":
		text, _ := Value(value).Text()
		text = strings.ToLower(strings.TrimSpace(text))
		env.failed = text == "failed" || text == "failure" || text == "error"
		if value.Kind() == jsontext.KindBeginObject && env.in != "data" {
			env.data, env.in = value, name
		}
	case "code":
		env.code, _ = Value(value).Text()
	case "data":
		if value.Kind() == jsontext.KindBeginObject {
			env.data, env.in = value, name
		}
	case "meta", "investor", "summary", "insurance":
		env.unified = env.unified || value.Kind() == jsontext.KindBeginObject
	case "demat_accounts", "mutual_funds", "nps":
		env.unified = env.unified || value.Kind() == jsontext.KindBeginArray
	case "msg":
		from = fromMsg
	case "message":
		from = fromMessage
	case "error":
		from = fromError
	case "detail":
		from = fromDetail
	}
	if from >= 0 {
		message, code := messageIn(value, 0)
		messages[from] = message
		env.code = firstText(env.code, code)
	}
}

// messageIn finds the text in a member that holds a message: a string, an
// object with a message in turn, or a list of these, as validators give it
// (then the name of the faulty field, "loc", goes along).
func messageIn(value jsontext.Value, depth int) (message, code string) {
	if depth > maxMessageDepth {
		return "", ""
	}
	switch value.Kind() {
	case jsontext.KindString:
		message, _ = Value(value).Text()
	case jsontext.KindBeginArray:
		return messageInList(value, depth)
	case jsontext.KindBeginObject:
		var messages [messageSources]string
		var where string
		eachMember(value, func(name string, member jsontext.Value) {
			switch name {
			case "msg":
				messages[fromMsg], _ = messageIn(member, depth+1)
			case "message":
				messages[fromMessage], _ = messageIn(member, depth+1)
			case "error":
				messages[fromError], _ = messageIn(member, depth+1)
			case "detail":
				messages[fromDetail], _ = messageIn(member, depth+1)
			case "code":
				code, _ = Value(member).Text()
			case "loc":
				where, _ = messageInList(member, depth+1)
			}
		})
		message = firstText(messages[:]...)
		if message != "" && where != "" {
			message = where + ": " + message
		}
	default: // numbers, booleans and null tell nothing
	}
	return message, code
}

// messageInList joins the first few texts of a list.
func messageInList(list jsontext.Value, depth int) (message, code string) {
	const enough = 8
	decoder := jsontext.NewDecoder(bytes.NewBuffer(list), tolerant()...)
	if token, err := decoder.ReadToken(); err != nil || token.Kind() != jsontext.KindBeginArray {
		return "", ""
	}
	var texts []string
	for len(texts) < enough {
		value, err := decoder.ReadValue() // fails at the end of the list
		if err != nil {
			break
		}
		text, itsCode := messageIn(value, depth+1)
		code = firstText(code, itsCode)
		if text != "" {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, "; "), code
}

// eachMember calls do for each member of an object, as far as it is readable.
func eachMember(object []byte, do func(name string, value jsontext.Value)) {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(object), tolerant()...)
	if token, err := decoder.ReadToken(); err != nil || token.Kind() != jsontext.KindBeginObject {
		return
	}
	for decoder.PeekKind() == jsontext.KindString {
		token, err := decoder.ReadToken()
		if err != nil {
			return
		}
		name := token.String()
		value, err := decoder.ReadValue()
		if err != nil {
			return
		}
		do(name, value)
	}
}

// tolerant are the options under which all JSON of the API is read: duplicate
// names and invalid UTF-8 are faults of an answer that is paid for.
func tolerant() []jsontext.Options {
	return []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}
}

func atEnd(decoder *jsontext.Decoder) bool {
	_, err := decoder.ReadToken()
	return errors.Is(err, io.EOF)
}

// withoutBOM drops the byte order mark that some servers put before JSON.
func withoutBOM(body []byte) []byte { return bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")) }

// firstText returns the first text that is not blank.
func firstText(texts ...string) string {
	for _, text := range texts {
		if strings.TrimSpace(text) != "" {
			return text
		}
	}
	return ""
}
