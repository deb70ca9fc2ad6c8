package casapi

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// DecodeContractNote reads the answer to a contract note; a note that stands alone,
// without its envelope, is read as well. As with [DecodeStatement], wrong kinds,
// unknown members, repeated names and invalid UTF-8 do not fail it. The error
// matches ErrBadAnswer: the body is no JSON, or has no member of a contract note.
func DecodeContractNote(body []byte) (*ContractNoteAnswer, error) {
	body = bytes.ToValidUTF8(withoutBOM(body), []byte(string(utf8.RuneError)))
	env := readObject(body)
	var answer ContractNoteAnswer
	var err error
	switch {
	case !env.complete:
		err = errors.New("not JSON, or cut off")
	case holdsContractNote(env.data):
		err = decodeInto(body, &answer)
	case holdsContractNote(body):
		answer.Bare = true
		err = decodeInto(body, &answer.Data)
	default:
		err = errors.New("not a contract note")
	}
	if err != nil {
		return nil, fmt.Errorf("decode contract note: %w: %w", ErrBadAnswer, err)
	}
	return &answer, nil
}

// holdsContractNote reports whether an object has a member of a contract note that
// no other answer of the API has, of its kind.
func holdsContractNote(object []byte) (holds bool) {
	eachMember(object, func(name string, value jsontext.Value) {
		switch name {
		case "contract_note_info", "broker_info", "client_info", "charges_summary":
			holds = holds || value.Kind() == jsontext.KindBeginObject
		case "equity_transactions", "derivatives_transactions", "detailed_trades":
			holds = holds || value.Kind() == jsontext.KindBeginArray
		}
	})
	return holds
}

// contractNote judges the answer to a contract note, whose shape is its own.
func (call *call) contractNote(reply *reply, answer *Answer, failure *Error) (*Answer, error) {
	env := readEnvelope(reply.body)
	known := env.complete && (holdsContractNote(withoutBOM(reply.body)) || holdsContractNote(env.data))
	switch {
	case !env.complete:
		failure.Class = ErrUnavailable
		failure.OutcomeUnknown = true
		failure.Message = call.notJSON(reply)
		return nil, failure
	case env.failed, !known && namesFailure(reply.status, env):
		return nil, call.rejected(reply.status, reply.header, env, reply.body)
	case !known:
		failure.Class = ErrBadAnswer
		failure.Message = "answer is not a contract note"
		return answer, failure
	}
	return answer, nil
}

// maxNoteBytes bounds what the structs of a contract note take in memory: 30 MB of
// "{}" would become gigabytes of empty trades. It leaves room for 250,000 of them.
const maxNoteBytes = 64 << 20

var errTooManyRows = errors.New("more rows than can be held in memory")

// decodeInto reads valid UTF-8 into a struct of Values, each a part of one string.
func decodeInto(body []byte, into object) error {
	source, held := string(body), uintptr(0)
	values := json.UnmarshalFromFunc(func(decoder *jsontext.Decoder, value *Value) error {
		raw, err := decoder.ReadValue()
		end := int(decoder.InputOffset())
		*value = Value(source[end-len(raw) : end])
		return err //nolint:wrapcheck // the library adds the place
	})
	objects := json.UnmarshalFromFunc(func(decoder *jsontext.Decoder, into object) error {
		if held += reflect.TypeOf(into).Elem().Size(); held > maxNoteBytes {
			return errTooManyRows
		}
		if decoder.PeekKind() == jsontext.KindBeginObject {
			return errors.ErrUnsupported // go on in the ordinary way
		}
		raw, err := decoder.ReadValue()
		if err == nil && raw.Kind() != jsontext.KindNull {
			into.misread(Value(raw))
		}
		return err //nolint:wrapcheck // as above
	})
	options := append(tolerant(), json.WithUnmarshalers(json.JoinUnmarshalers(values, objects)))
	switch err := json.Unmarshal(body, into, options...); {
	case err == nil:
		return nil
	case errors.Is(err, errTooManyRows):
		return errTooManyRows
	}
	return errors.New("unreadable") // the error's own text may quote the answer
}
