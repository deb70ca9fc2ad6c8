package jobs

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"

	"casflow/internal/casapi"
)

// generator writes arbitrary answers: every member of the unified response, or
// not; null, odd values and odd kinds anywhere; members nobody knows at every
// level; and the shapes that users have met.
type generator struct {
	*rand.Rand
	strings.Builder
	pan string
	odd int // how many in a thousand values are odd
}

// generate writes an answer for a PAN. The same seed gives the same answer.
func generate(seed uint64, pan string) []byte {
	g := newGenerator(seed, pan)
	return g.wrapped(g.IntN(6) == 0, g.statement)
}

func newGenerator(seed uint64, pan string) *generator {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 7)), pan: pan}
	g.odd = []int{0, 20, 200}[g.IntN(3)]
	return g
}

// wrapped writes an answer, inside an object or not.
func (g *generator) wrapped(inside bool, answer func()) []byte {
	if inside {
		g.WriteString(`{"status":"success",` + g.unknownMember() + `,"data":`)
	}
	answer()
	if inside {
		g.WriteString(`,` + g.unknownMember() + "}")
	}
	return []byte(g.String())
}

func (g *generator) one(of ...string) string { return of[g.IntN(len(of))] }

func (g *generator) printf(format string, values ...any) {
	_, _ = fmt.Fprintf(&g.Builder, format, values...) // a Builder takes everything
}

func (g *generator) chance(inThousand int) bool { return g.IntN(1000) < inThousand }

func (g *generator) statement() {
	g.WriteByte('{')
	for field := range reflect.TypeFor[casapi.Statement]().Fields() {
		name := field.Tag.Get("json")
		switch {
		case strings.HasPrefix(name, ",") || name == "-":
			continue
		case name == "meta":
			g.printf(`"meta":{"cas_type":%s,"statement_period":{"from":%s,"to":%s%s},"generated_at":%s%s}`,
				g.one(`"NSDL"`, `"cdsl"`, `" Cams_KFintech"`, `null`, `["x"]`, `"Ma\u0000rs"`), g.one(`"2025-04-01"`, `"01-Apr-2025"`, `null`, `"soon"`),
				g.one(`"2025-04-30"`, `"30/04/2025"`), g.more(), g.one(`"2025-05-01T10:20:30"`, `"2025-05-01T10:20:30.123456789Z"`, `""`, `5`, `"\u0000"`), g.more())
		case name == "investor":
			g.printf(`,"investor":{"name":%s,"pan":%q,"email":%s,"cas_id":%s%s}`, g.scalar(), g.one(g.pan, " "+strings.ToLower(g.pan)), g.scalar(), g.scalar(), g.more())
		case g.chance(850):
			g.printf(`,%q:`, name)
			g.value(field.Type, 0)
		}
	}
	g.WriteString(g.more() + "}")
}

// more writes further members, mostly none.
func (g *generator) more() string {
	out := ""
	for g.chance(30 + g.odd) {
		out += g.one(",", " , ", ",\n") + g.unknownMember()
	}
	return out
}

func (g *generator) unknownMember() string { return g.name() + ":" + g.anything(0) }

func (g *generator) name() string {
	return g.one(`""`, `"."`, `"a.b"`, `"a\\b"`, `"\\e"`, `"a[0]"`, `"[0]"`, `"nulls:x"`, `"wrapper:"`, `"$json"`, `"\u0000"`, `"a\u0000"`, `"PAN"`, `"é"`, `"folios"`,
		`"type"`, `"data"`, `"status"`, `"additional_info.x"`, `"coupon_rate"`, `"value"`, `"holdings"`, `"new"`, `"new"`, `"\ud83d\ude00"`, `"a:b"`, `" "`)
}

// anything writes any JSON value.
func (g *generator) anything(depth int) string {
	if depth > 3 || g.chance(600) {
		return g.scalar()
	}
	var parts []string
	for range g.IntN(4) {
		if g.chance(500) {
			parts = append(parts, g.anything(depth+1))
		}
	}
	if g.chance(500) {
		return "[" + strings.Join(parts, ", ") + "]"
	}
	for i := range parts {
		parts[i] = g.name() + " : " + parts[i]
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func (g *generator) scalar() string {
	if g.chance(1000 - g.odd) {
		return g.one(`null`, `""`, `"Example"`, `"8.5%"`, `"2025-04-07"`, `true`, `"false"`, `12`, `-3.50`, `1234567890123456789.0123456789`, `0`)
	}
	return g.one(
		`" "`, `"N/A"`, `"-"`, `"\u0000"`, `"a\u0000b"`, `"\ud800"`, `"\udc00x"`, "\"\xff\xfe\"", `"₹ 1,23,456.78"`, `"1,234,567.8"`, `"1,5"`, `"Rs. 5"`, `" 7 "`, `"007"`, `"+.5"`, `"1e3"`,
		`"07-Apr-2025"`, `"07/04/2025"`, `"2025-02-30"`, `"2025-04-07T00:00:00Z"`, `"TRUE"`, `"$json"`, `"null"`, `"\\"`, `"\"{}[],:"`, `"é\u00e9\/"`, `"`+strings.Repeat("x", 3000)+`"`,
		`-0`, `0.0`, `1E5`, `1e-7`, `-2.50E+10`, `1e30`, `1e31`, `1e400`, `-1e401`, `1e999999`, `1e-99999999`, strings.Repeat("9", 1001), `0.`+strings.Repeat("1", 600), `99999999999`,
		`[]`, `{}`, `[null]`, `[[],{}]`, `{"a":null}`, `{"$json":"[1]"}`, `{"$json":1}`, `{"a":1,"a":2}`, `[1e400]`, `{"\u0000":1}`, `["\ud800"]`, strings.Repeat(`[`, 600)+strings.Repeat(`]`, 600),
		`"zzzpz0000z"`, `"ZZXXXXXX0Z"`)
}

// value writes a value of the kind that a type reads, mostly.
func (g *generator) value(typ reflect.Type, depth int) {
	if g.chance(g.odd / 5) {
		g.WriteString(g.anything(0))
		return
	}
	if typ == reflect.TypeFor[casapi.Value]() {
		g.WriteString(g.scalar())
		return
	}
	items, isList := typ.FieldByName("Items")
	switch {
	case isList:
		g.list(items.Type.Elem(), depth)
	case typ == reflect.TypeFor[casapi.Holdings]() && g.chance(150):
		g.list(reflect.TypeFor[casapi.Holding](), depth)
	case typ == reflect.TypeFor[casapi.Folio]() && g.chance(150):
		g.printf(`{"amc":%s,%q:%s,"folios":`, g.scalar(), g.one("registrar", "value", "new"), g.scalar())
		g.list(typ, depth+1)
		g.WriteString(g.more() + "}")
	default:
		g.object(typ, depth)
	}
}

func (g *generator) list(of reflect.Type, depth int) {
	g.WriteByte('[')
	for i := range g.IntN(max(1, 5-depth)) {
		if i > 0 {
			g.WriteString(g.one(",", ", "))
		}
		if g.chance(g.odd) {
			g.WriteString(g.one("null", "null", "{}", `""`, "[]", `"x"`, "5"))
			continue
		}
		g.value(of, depth+1)
	}
	g.WriteByte(']')
}

func (g *generator) object(typ reflect.Type, depth int) {
	var members []string
	for field := range typ.Fields() {
		if name := field.Tag.Get("json"); name != "-" && !strings.HasPrefix(name, ",") && g.chance(700) {
			part := &generator{Rand: g.Rand, pan: g.pan, odd: g.odd}
			part.value(field.Type, depth)
			members = append(members, fmt.Sprintf("%q:%s", name, part))
		}
	}
	if typ == reflect.TypeFor[casapi.Holding]() && g.chance(500) {
		members = append(members, `"instrument_type":`+g.one(`"Equity"`, `"MUTUAL_FUND"`, `"Sovereign Gold Bond"`, `"NCD"`, `"aif"`, `"crypto"`, `7`))
	}
	for g.chance(20 + g.odd/4) {
		members = append(members, g.unknownMember())
	}
	g.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	g.WriteString("{" + strings.Join(members, ",") + "}")
}
