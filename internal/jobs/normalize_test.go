package jobs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"casflow/internal/storage"
)

const (
	zed = "ZZZPZ0000Z"
	yan = "ZZZPY0001Y"
)

// april is the meta member of a statement.
const april = `"meta":{"cas_type":"NSDL","statement_period":{"from":"2025-04-01","to":"2025-04-30"}}`

func TestNormalize_PAN(t *testing.T) {
	t.Parallel()
	folio := func(pan string) string { return `{"additional_info":{"pan":"` + pan + `"}}` }
	holder := func(pan string) string { return `{"linked_holders":[{"name":"x","pan":"` + pan + `"}]}` }
	for name, test := range map[string]struct {
		members string
		want    string // "" is errMissingPAN
	}{
		"Investor":           {`"investor":{"pan":"` + zed + `"}`, zed},
		"InvestorFolded":     {`"investor":{"pan":"  zzzpz0000z\n"}`, zed},
		"InvestorBeforeRest": {`"investor":{"pan":"` + zed + `"},"mutual_funds":[` + folio(yan) + `]`, zed},
		"InvestorMasked":     {`"investor":{"pan":"ZZXXXXXX0Z"}`, ""},
		"InvestorBadlyFormed": {
			`"investor":{"pan":"` + zed + `1"},"mutual_funds":[` + folio(yan) + `]`, yan,
		},
		"InvestorNumber":     {`"investor":{"pan":1234567890}`, ""},
		"InvestorObject":     {`"investor":{"pan":{"pan":"` + zed + `"}}`, ""},
		"Folio":              {`"mutual_funds":[` + folio(zed) + `]`, zed},
		"FolioFolded":        {`"mutual_funds":[` + folio(" zzzpz0000z ") + `]`, zed},
		"FoliosAgree":        {`"mutual_funds":[` + folio(zed) + `,{},` + folio("zzzpz0000z") + `]`, zed},
		"JointHolders":       {`"demat_accounts":[{"linked_holders":[{"pan":"` + yan + `"},{"pan":"` + zed + `"}]}],"mutual_funds":[` + folio(zed) + `]`, zed},
		"JointHoldersAlone":  {`"demat_accounts":[{"linked_holders":[{"pan":"` + yan + `"},{"pan":"` + zed + `"}]}]`, ""},
		"FoliosDisagree":     {`"mutual_funds":[` + folio(zed) + `,` + folio(yan) + `]`, ""},
		"FolioUnreadable":    {`"mutual_funds":[` + folio("APPLIED FOR") + `,` + folio(zed) + `]`, zed},
		"FolioHolder":        {`"mutual_funds":[` + holder(zed) + `]`, zed},
		"DematHolder":        {`"demat_accounts":[` + holder(zed) + `]`, zed},
		"NPSHolder":          {`"nps":[` + holder(zed) + `]`, zed},
		"FolioAndHolder":     {`"mutual_funds":[` + folio(zed) + `],"demat_accounts":[` + holder(zed) + `]`, zed},
		"FolioAgainstHolder": {`"mutual_funds":[` + folio(zed) + `],"demat_accounts":[` + holder(yan) + `]`, ""},
		"HoldersDisagree":    {`"nps":[` + holder(zed) + `],"demat_accounts":[` + holder(yan) + `]`, ""},
		"HolderWithout":      {`"nps":[{"linked_holders":[{"name":"x","pan":null},{"name":"y"}]},` + holder(zed) + `]`, zed},
		"Nowhere":            {`"investor":{"name":"Zed Example"}`, ""},
		// What belongs to an account of several people says not whose statement it is.
		"LinkedPANs": {`"demat_accounts":[{"additional_info":{"linked_pans":["` + zed + `"]}}]`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := readAnswer([]byte(`{`+april+`,`+test.members+`}`), storage.KindSmart)
			if test.want == "" {
				if !errors.Is(err, errMissingPAN) {
					t.Fatalf("normalize() = %v, want errMissingPAN", err)
				}
				if strings.Contains(err.Error(), zed) || strings.Contains(err.Error(), yan) {
					t.Errorf("the error names a PAN: %v", err)
				}
				return
			}
			if err != nil || got.Key.PAN != test.want {
				t.Errorf("normalize() = %+v, %v, want PAN %s", got, err, test.want)
			}
		})
	}
}

// TestNormalize_SuppliedPAN: a PAN that somebody supplies counts where the answer
// does not say whose statement it is.
func TestNormalize_SuppliedPAN(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ members, supplied, want string }{
		"Missing":      {`"investor":{"name":"Zed Example"}`, zed, zed},
		"Folded":       {`"investor":{"pan":"APPLIED FOR"}`, " zzzpz0000z\n", zed},
		"Investor":     {`"investor":{"pan":"` + yan + `"}`, zed, yan},
		"BeforeFolio":  {`"mutual_funds":[{"additional_info":{"pan":"` + yan + `"}}]`, zed, zed},
		"NoPAN":        {`"investor":{}`, "12345", ""},
		"NoPANAtAll":   {`"investor":{}`, "", ""},
		"NoPANButHere": {`"mutual_funds":[{"additional_info":{"pan":"` + yan + `"}}]`, "12345", yan},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := []byte(`{` + april + `,` + test.members + `}`)
			got, err := normalize(source{body: body, kind: storage.KindSmart, receivedAt: receivedAt, pan: test.supplied})
			if test.want == "" {
				if !errors.Is(err, errMissingPAN) {
					t.Errorf("normalize() = %v, want errMissingPAN", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			statement := asStatement(t, got)
			if statement.Key.PAN != test.want {
				t.Errorf("PAN %s, want %s", statement.Key.PAN, test.want)
			}
			rebuilt, err := statement.Answer()
			if err != nil {
				t.Fatal(err)
			}
			assertRebuilt(t, body, rebuilt)
		})
	}
}

func TestNormalize_Unreadable(t *testing.T) {
	t.Parallel()
	body, err := os.ReadFile(filepath.Join("testdata", "normalize", "hostile.json"))
	if err != nil {
		t.Fatal(err)
	}
	read, err := normalize(source{body: body, kind: storage.KindSmart, receivedAt: receivedAt})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{
		"statements":         8, // email, address, PAN, generated_at, two counts, a percentage, "nps" of the summary
		"demat_accounts":     2, // linked_holders, equities
		"demat_holdings":     4, // value, market_value, transactions, one that is no object
		"mutual_fund_folios": 1, "mutual_fund_schemes": 3, "transactions": 8,
		"insurance_policies": 1, "nps_accounts": 2, "nps_funds": 1, "linked_holders": 1,
	}
	if diff := cmp.Diff(want, read.unreadable); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	registry := prometheus.NewRegistry()
	metrics := NewMetrics(registry)
	metrics.couldNotRead(read.unreadable)
	for _, table := range storage.StatementTables() {
		if got := testutil.ToFloat64(metrics.unreadable.WithLabelValues(table)); int(got) != want[table] {
			t.Errorf("%s: %v counted, want %d", table, got, want[table])
		}
	}
	if n := testutil.CollectAndCount(metrics.unreadable); n != len(storage.StatementTables()) {
		t.Errorf("%d series, want one for each table", n)
	}
}

func TestNormalize_Period(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		period   string
		from, to string // to "": errBadAnswer
	}{
		"Both":          {`{"from":"2025-04-01","to":"2025-04-30"}`, "2025-04-01", "2025-04-30"},
		"Spelled":       {`{"from":"01-Apr-2025","to":"30/04/2025"}`, "2025-04-01", "2025-04-30"},
		"OneDay":        {`{"from":"2025-04-30","to":"2025-04-30"}`, "2025-04-30", "2025-04-30"},
		"EndOnly":       {`{"to":"2025-04-30"}`, "2025-04-30", "2025-04-30"},
		"StartNull":     {`{"from":null,"to":"2025-04-30"}`, "2025-04-30", "2025-04-30"},
		"StartNoDate":   {`{"from":"April","to":"2025-04-30"}`, "2025-04-30", "2025-04-30"},
		"StartOnly":     {`{"from":"2025-04-01"}`, "", ""},
		"EndEmpty":      {`{"from":"2025-04-01","to":""}`, "", ""},
		"EndNoDay":      {`{"from":"2025-04-01","to":"2025-04-31"}`, "", ""},
		"Nothing":       {`{}`, "", ""},
		"Null":          {`null`, "", ""},
		"NoObjectAtAll": {`"April 2025"`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := `{"meta":{"statement_period":` + test.period + `},"investor":{"pan":"` + zed + `"}}`
			got, err := readAnswer([]byte(body), storage.KindNSDL)
			if test.to == "" {
				if !errors.Is(err, errBadAnswer) {
					t.Errorf("normalize() = %v, want errBadAnswer", err)
				}
				return
			}
			if err != nil || got.Key.PeriodFrom != test.from || got.Key.PeriodTo != test.to {
				t.Errorf("normalize() = %+v, %v, want %s to %s", got, err, test.from, test.to)
			}
		})
	}
}

func TestNormalize_CASType(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ came, kind, want string }{
		"AsItCame":       {`"CDSL"`, storage.KindSmart, "CDSL"},
		"Folded":         {`" cams_Kfintech "`, storage.KindSmart, "CAMS_KFINTECH"},
		"Unheard":        {`"mars"`, storage.KindNSDL, "MARS"},
		"AgainstKind":    {`"NSDL"`, storage.KindCDSL, "NSDL"}, // the answer knows better
		"NullCDSL":       {`null`, storage.KindCDSL, "CDSL"},
		"NullNSDL":       {`null`, storage.KindNSDL, "NSDL"},
		"NullCAMS":       {`null`, storage.KindCAMSKFintech, "CAMS_KFINTECH"},
		"EmptyCDSL":      {`""`, storage.KindCDSL, "CDSL"},
		"SpaceCDSL":      {`" \t"`, storage.KindCDSL, "CDSL"},
		"UnreadableCDSL": {`{"a":1}`, storage.KindCDSL, "CDSL"},
		"NullSmart":      {`null`, storage.KindSmart, "UNKNOWN"},
		"NullNew":        {`null`, "a_kind_of_the_future", "UNKNOWN"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := `{"meta":{"cas_type":` + test.came + `,"statement_period":{"to":"2025-04-30"}},"investor":{"pan":"` + zed + `"}}`
			got, err := readAnswer([]byte(body), test.kind)
			if err != nil || got.Key.CASType != test.want {
				t.Errorf("normalize() = %+v, %v, want type %s", got, err, test.want)
			}
		})
	}
}

// TestNormalize_Wrapped shows that older answers, whose statement is in a member
// "data", give the same rows, and keep what is beside it.
func TestNormalize_Wrapped(t *testing.T) {
	t.Parallel()
	body, want := golden(t, "cdsl")
	wrapped := `{"status":"success","msg":"fine","data":` + string(body) + `}`
	got, err := readAnswer([]byte(wrapped), storage.KindCDSL)
	if err != nil {
		t.Fatal(err)
	}
	want.Extra = `{"msg":"fine","status":"success"}`
	want.Form = `{"wrapper:":{"in":"data","beside":["msg","status"]}}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("wrapped answer gives other rows (-want +got):\n%s", diff)
	}
}

func TestNormalize_BadAnswers(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"Empty":    ``,
		"Null":     `null`,
		"Array":    `[{"meta":{}}]`,
		"Text":     `"` + zed + `"`,
		"NoMember": `{"` + zed + `":1}`,
		"Failed":   `{"status":"failed","msg":"password ` + zed + ` is wrong"}`,
		"HTML":     `<html>` + zed + `</html>`,
		"CutOff":   `{` + april + `,"investor":{"pan":"` + zed,
		"EmptyBox": `{"data":{}}`,
		"NoPeriod": `{"investor":{"pan":"` + zed + `"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := readAnswer([]byte(body), storage.KindCDSL)
			if !errors.Is(err, errBadAnswer) || got != nil {
				t.Fatalf("normalize() = %v, %v, want errBadAnswer", got, err)
			}
			if strings.Contains(err.Error(), zed) {
				t.Errorf("the error repeats the answer: %v", err)
			}
		})
	}
}

// asStatement is a reading of a statement.
func asStatement(t *testing.T, read reading) *storage.Statement {
	t.Helper()
	statement, ok := read.content.(*storage.Statement)
	if !ok {
		t.Fatalf("read as %T, want a statement", read.content)
	}
	return statement
}
