package casapi

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// incomplete says why a body is not one JSON value that can be read.
func incomplete(body []byte) error {
	if nestedBeyond(body, maxNesting) {
		return fmt.Errorf("nested deeper than %d levels", maxNesting)
	}
	return errors.New("not JSON, or cut off")
}

// nestedBeyond reports whether arrays and objects are nested deeper than so many
// levels, whether or not the body is whole.
func nestedBeyond(body []byte, levels int) bool {
	depth, inText, escaped := 0, false, false
	for _, b := range body {
		switch {
		case escaped:
			escaped = false
		case inText:
			escaped, inText = b == '\\', b != '"'
		case b == '"':
			inText = true
		case b == '[' || b == '{':
			if depth++; depth > levels {
				return true
			}
		case b == ']' || b == '}':
			depth--
		}
	}
	return false
}

// difference names the first place in which a body, which is JSON, differs from
// an answer with these members: "demat_accounts: expected array, got string".
func difference(body []byte, members []member) string {
	if kind := jsontext.Value(body).Kind(); kind != jsontext.KindBeginObject {
		return "expected object, got " + kindName(kind)
	}
	env := readObject(body)
	prefix := ""
	if env.data != nil {
		body, prefix = env.data, env.in+"."
	}
	kinds := map[string]jsontext.Kind{}
	eachMember(body, func(name string, value jsontext.Value) { kinds[name] = value.Kind() })
	for _, member := range members {
		if kind, found := kinds[member.name]; found && kind != member.kind {
			return fmt.Sprintf("%s%s: expected %s, got %s", prefix, member.name, kindName(member.kind), kindName(kind))
		}
	}
	return fmt.Sprintf("%s%s: expected %s, got nothing", prefix, members[0].name, kindName(members[0].kind))
}

// member is a member of an answer and its kind.
type member struct {
	name string
	kind jsontext.Kind
}

func statementMembers() []member {
	return []member{
		{"meta", jsontext.KindBeginObject},
		{"investor", jsontext.KindBeginObject},
		{"summary", jsontext.KindBeginObject},
		{"demat_accounts", jsontext.KindBeginArray},
		{"mutual_funds", jsontext.KindBeginArray},
		{"insurance", jsontext.KindBeginObject},
		{"nps", jsontext.KindBeginArray},
	}
}

func contractNoteMembers() []member {
	return []member{
		{"contract_note_info", jsontext.KindBeginObject},
		{"broker_info", jsontext.KindBeginObject},
		{"client_info", jsontext.KindBeginObject},
		{"equity_transactions", jsontext.KindBeginArray},
		{"derivatives_transactions", jsontext.KindBeginArray},
		{"detailed_trades", jsontext.KindBeginArray},
		{"charges_summary", jsontext.KindBeginObject},
	}
}

// StatementMembers are the members that the unified response has of its own.
func StatementMembers() []string { return names(statementMembers()) }

// ContractNoteMembers are the members that a contract note has of its own.
func ContractNoteMembers() []string { return names(contractNoteMembers()) }

func names(members []member) []string {
	var names []string
	for _, m := range members {
		names = append(names, m.name)
	}
	return names
}

func kindName(kind jsontext.Kind) string {
	switch kind {
	case jsontext.KindBeginObject:
		return "object"
	case jsontext.KindBeginArray:
		return "array"
	case jsontext.KindString:
		return "string"
	case jsontext.KindNumber:
		return "number"
	case jsontext.KindTrue, jsontext.KindFalse:
		return "boolean"
	case jsontext.KindNull:
		return "null"
	default:
		return "nothing"
	}
}
