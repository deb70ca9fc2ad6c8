package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5/pgtype"
)

// texts goes to Postgres as a text[] in which "" is NULL.
type texts []string

// textsCodec encodes texts, and all else as pgx does, which makes a value of its own of
// each element: that was a fifth of what writing the rows of a document took.
type textsCodec struct{ *pgtype.ArrayCodec }

// registerTexts makes a connection know texts.
func registerTexts(types *pgtype.Map) error {
	text, ok := types.TypeForOID(pgtype.TextOID)
	if !ok {
		return errors.New("pgx does not know type text")
	}
	types.RegisterType(&pgtype.Type{Name: "_text", OID: pgtype.TextArrayOID, Codec: textsCodec{&pgtype.ArrayCodec{ElementType: text}}})
	return nil
}

// PlanEncode implements pgtype.Codec.
func (c textsCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if _, ok := value.(texts); ok && format == pgtype.BinaryFormatCode {
		return textsPlan{}
	}
	return c.ArrayCodec.PlanEncode(m, oid, format, value)
}

type textsPlan struct{}

// Encode implements pgtype.EncodePlan: the number of dimensions, whether there are
// NULLs, the type of elements, then the length and the first index of the dimension,
// and each element behind its length.
func (textsPlan) Encode(value any, buf []byte) ([]byte, error) {
	values, ok := value.(texts)
	if !ok {
		return nil, fmt.Errorf("%T is not texts", value)
	}
	const dimensions, nulls, first, null = 1, 1, 1, math.MaxUint32
	for _, n := range []uint32{dimensions, nulls, pgtype.TextOID, uint32(len(values)), first} { //nolint:gosec // Postgres takes no more
		buf = binary.BigEndian.AppendUint32(buf, n)
	}
	for _, v := range values {
		if v == "" {
			buf = binary.BigEndian.AppendUint32(buf, null)
			continue
		}
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(v))) //nolint:gosec // Postgres takes no more
		buf = append(buf, v...)
	}
	return buf, nil
}
