package sandbox

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// schema is every member of a unified response that the API's documentation names,
// with its kind: s a string, n a number, b a boolean; those behind a colon are in
// the object before it, those of [] in each element.
const schema = `
meta: cas_type s, generated_at s
meta.statement_period: from s, to s
investor: name s, pan s, email s, address s, pincode s, mobile s, cas_id s
summary: total_value n
summary.accounts.demat: count n, total_value n
summary.accounts.mutual_funds: count n, total_value n
summary.accounts.insurance: count n, total_value n
summary.accounts.nps: count n, total_value n
demat_accounts[]: demat_type s, dp_id s, client_id s, bo_id s, dp_name s, value n
demat_accounts[].linked_holders[]: name s, pan s
demat_accounts[].additional_info: bo_status s, bo_sub_status s, bo_type s, bsda s, email s, status s, nominee s, linked_pans[] s
demat_accounts[].holdings.equities[]: isin s, name s, units n, value n
demat_accounts[].holdings.corporate_bonds[]: isin s, name s, units n, value n
demat_accounts[].holdings.government_securities[]: isin s, name s, units n, value n
demat_accounts[].holdings.aifs[]: isin s, name s, units n, value n
demat_accounts[].holdings.demat_mutual_funds[]: isin s, name s, units n, value n
demat_accounts[].holdings.equities[].additional_info: open_units n, close_units n
demat_accounts[].holdings.equities[].transactions[]: date s, description s, type s, units n, balance n
demat_accounts[].holdings.equities[].transactions[].additional_info: credit n, debit n, stamp_duty n, order_no s
mutual_funds[]: folio_number s, amc s, registrar s, value n
mutual_funds[].linked_holders[]: name s, pan s
mutual_funds[].additional_info: pan s, pankyc s, kyc s
mutual_funds[].schemes[]: isin s, name s, type s, units n, nav n, value n, cost n, nominees[] s
mutual_funds[].schemes[].gain: absolute n, percentage n
mutual_funds[].schemes[].additional_info: advisor s, rta_code s, amfi s, is_demat b, open_units n, close_units n
mutual_funds[].schemes[].transactions[]: date s, description s, type s, amount n, units n, balance n, nav n, dividend_rate n
mutual_funds[].schemes[].transactions[].additional_info: price n, income_distribution n, capital_withdrawal n
demat_accounts[].holdings.corporate_bonds[]: coupon_rate s, maturity_date s, face_value n, market_value n
insurance.life_insurance_policies[]: policy_number s, provider s, policy_name s, life_assured s, status s, premium_frequency s, sum_assured n, premium_amount n
nps[]: pran s, cra s, value n
nps[].linked_holders[]: name s, pan s
nps[].funds[]: name s, units n, nav n, value n, cost n
nps[].funds[].additional_info: tier n, manager s`

// kinds collects the kind of every known member of an answer by its path.
func kinds(t *testing.T, value any, path string, into map[string]string) {
	t.Helper()
	put := func(kind string) {
		if before := into[path]; before != "" && before != kind {
			t.Errorf("%s is %s and %s", path, before, kind)
		}
		into[path] = kind
	}
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			kinds(t, member, strings.TrimPrefix(path+"."+name, "."), into)
		}
	case []any:
		for _, element := range value {
			kinds(t, element, path+"[]", into)
		}
	case string:
		put("s")
	case float64:
		put("n")
	case bool:
		put("b")
	}
}

// cannedCall is a call of a parse path with the sandbox key.
func cannedCall(path string) call {
	return formCall(part{"file", "x.pdf", "no PDF at all"}, part{"password", "", "any"}).at(path).withKey(SandboxKey)
}

// The canned answers show every member of the documentation, by its kind.
func TestSandbox_Canned_Schema(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{})
	got := map[string]string{}
	for _, path := range []string{CDSLParse, NSDLParse, CAMSKFintechParse} {
		var answer any
		if err := json.Unmarshal(b.mustSend(t, cannedCall(path)).body, &answer); err != nil {
			t.Fatal(err)
		}
		kinds(t, answer, "", got)
	}
	for line := range strings.SplitSeq(strings.TrimSpace(schema), "\n") {
		parent, members, _ := strings.Cut(line, ": ")
		for member := range strings.SplitSeq(members, ", ") {
			name, kind, _ := strings.Cut(member, " ")
			if path := parent + "." + name; got[path] != kind {
				t.Errorf("%s is %q, want %q", path, got[path], kind)
			}
		}
	}
}

func TestSandbox_Canned(t *testing.T) {
	t.Parallel()
	clock := newFakeClock()
	b := setup(t, Config{Credits: 5, Clock: clock.Now})
	sources := map[string]string{}
	for _, path := range []string{SmartParse, CDSLParse, NSDLParse, CAMSKFintechParse} {
		got := b.mustSend(t, cannedCall(path))
		var answer struct {
			Meta struct {
				CASType string `json:"cas_type"`
			} `json:"meta"`
		}
		if err := json.Unmarshal(got.body, &answer); err != nil || got.status != http.StatusOK {
			t.Fatalf("%s: status %d, %v", path, got.status, err)
		}
		if used := got.header.Get("X-Credits-Used"); used != "0.0" || got.header.Get("X-Credits-Remaining") != "" {
			t.Errorf("%s: credits used %q, remaining %q, want 0.0 and none", path, used, got.header.Get("X-Credits-Remaining"))
		}
		sources[path] = answer.Meta.CASType
	}
	want := map[string]string{SmartParse: "CDSL", CDSLParse: "CDSL", NSDLParse: "NSDL", CAMSKFintechParse: "CAMS_KFINTECH"}
	if diff := cmp.Diff(want, sources); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
	for name, refused := range map[string]struct {
		call call
		want int
	}{
		"ContractNote": {cannedCall(ContractNoteParse), http.StatusForbidden},
		"UnknownField": {formCall(part{"kind", "", "smart"}).withKey(SandboxKey), http.StatusBadRequest},
		"NoForm":       {call{method: http.MethodPost, path: SmartParse, key: SandboxKey, body: []byte("%PDF")}, http.StatusBadRequest},
	} {
		if got := b.mustSend(t, refused.call); got.status != refused.want {
			t.Errorf("%s: status = %d, want %d", name, got.status, refused.want)
		}
	}
	for i, call := range b.api.Calls() {
		if !call.Canned || call.Billed || call.Credits != 0 {
			t.Errorf("call %d = %+v, want canned and not billed", i, call)
		}
	}

	credits := b.mustSend(t, call{method: http.MethodPost, path: creditsPath, key: SandboxKey})
	if got := string(credits.body); !strings.Contains(got, `"used":0,"remaining":null,"limit":0,"is_unlimited":true`) {
		t.Errorf("credits = %s, want unlimited", got)
	}
	if got := b.usage(t, ""); len(got) != 0 {
		t.Errorf("the log of the other key = %+v, want nothing", got)
	}
}

func TestSandbox_Canned_Rate(t *testing.T) {
	t.Parallel()
	for rate, want := range map[int][]int{0: {10, 2}, 3: {3, 9}, -1: {12, 0}} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			t.Parallel()
			b := setup(t, Config{Credits: -1, SandboxRatePerMinute: rate, Clock: newFakeClock().Now})
			got := b.sendAll(t, slices.Repeat([]call{cannedCall(NSDLParse)}, 12))
			if got[http.StatusOK] != want[0] || got[http.StatusTooManyRequests] != want[1] {
				t.Errorf("statuses = %v, want %d let in and %d refused", got, want[0], want[1])
			}
			if got := b.mustSend(t, cdsl(t, 1).upload()).status; got != http.StatusOK {
				t.Errorf("status with the other key = %d, want 200", got)
			}
		})
	}
}

// The sandbox key works for all but contract notes, and what it asks for is free and
// stays apart.
func TestSandbox_Canned_Elsewhere(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{SandboxRatePerMinute: -1})
	answers := map[string]int{}
	var session struct {
		ID string `json:"session_id"`
	}
	post := func(path, body string) result {
		got := b.mustSend(t, call{method: http.MethodPost, path: path, key: SandboxKey, contentType: jsonType, body: []byte(body)})
		answers[path] = got.status
		return got
	}
	post(KFintechGenerate, `{"email":"zed@example.invalid","from_date":"2025-04-01","to_date":"2025-04-30","password":"x"}`)
	fetched := post(CDSLFetch, `{"pan":"ZZZPZ0000Z","bo_id":"1299990000004321","dob":"1980-01-31"}`)
	if err := json.Unmarshal(fetched.body, &session); err != nil {
		t.Fatal(err)
	}
	post(InboxConnect, `{"redirect_uri":"https://app.example.invalid/back"}`)
	verified := strings.Replace(CDSLVerify, "{session_id}", session.ID, 1)
	if got := b.mustSend(t, call{method: http.MethodPost, path: verified, key: testKey, contentType: jsonType, body: []byte(`{"otp":"123456"}`)}); got.status != http.StatusPaymentRequired {
		t.Errorf("verify with another key and no credits: status = %d, want 402", got.status)
	}
	if got := post(verified, `{"otp":"123456","num_periods":1}`); got.header.Get("X-Credits-Used") != "0.0" {
		t.Errorf("credits used = %q, want 0.0", got.header.Get("X-Credits-Used"))
	}
	for _, path := range slices.Sorted(maps.Keys(answers)) {
		if answers[path] != http.StatusOK {
			t.Errorf("%s: status = %d, want 200", path, answers[path])
		}
	}
	if got := b.api.Mailbacks(); len(got) != 0 {
		t.Errorf("mails = %+v, want none", got)
	}
}
