package jobs

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"casflow/internal/storage"
)

func TestCallbackPolicy_Check(t *testing.T) {
	t.Parallel()
	strict := CallbackPolicy{Hosts: []string{"billing.example", "*.Teams.example"}}
	private := CallbackPolicy{Hosts: []string{"127.0.0.1", "::1"}, Private: true}
	for name, test := range map[string]struct {
		policy  CallbackPolicy
		address string
		want    string // "" is fine
	}{
		"Good":          {strict, "https://billing.example/ended?token=hush", ""},
		"Port":          {strict, "https://billing.example:8443/", ""},
		"Case":          {strict, "https://Billing.EXAMPLE/", ""},
		"Dot":           {strict, "https://billing.example./", ""},
		"Below":         {strict, "https://a.teams.example/", ""},
		"FarBelow":      {strict, "https://a.b.teams.example/", ""},
		"NotBelow":      {strict, "https://teams.example/hush", "among CASFLOW_CALLBACK_HOSTS"},
		"Suffix":        {strict, "https://evilteams.example/hush", "among CASFLOW_CALLBACK_HOSTS"},
		"Prefix":        {strict, "https://billing.example.evil.example/hush", "among CASFLOW_CALLBACK_HOSTS"},
		"Other":         {strict, "https://other.example/hush", "among CASFLOW_CALLBACK_HOSTS"},
		"Address":       {strict, "https://169.254.169.254/hush", "among CASFLOW_CALLBACK_HOSTS"},
		"Plain":         {strict, "http://billing.example/hush", "is not https"},
		"Scheme":        {strict, "ftp://billing.example/hush", "is not a URL"},
		"NoURL":         {strict, "hush", "is not a URL"},
		"NoHost":        {strict, "https:///hush", "is not a URL"},
		"Broken":        {strict, "https://billing.example/\x00hush", "is not a URL"},
		"User":          {strict, "https://me:hush@billing.example/", "has a user"},
		"HostAsUser":    {strict, "https://billing.example@other.example/hush", "has a user"},
		"Fragment":      {strict, "https://billing.example/#hush", "has a user or a fragment"},
		"Long":          {strict, "https://billing.example/" + strings.Repeat("x", 3000), "is longer than 2048"},
		"NobodyAllowed": {CallbackPolicy{}, "https://billing.example/hush", "among CASFLOW_CALLBACK_HOSTS"},
		"Private":       {private, "http://127.0.0.1:8080/", ""},
		"PrivateIPv6":   {private, "http://[::1]:8080/", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if err := test.policy.Check(test.address); err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, test.want) || (test.want == "") != (got == "") || strings.Contains(got, "hush") {
				t.Errorf("Check() says %q, want %q without the address", got, test.want)
			}
		})
	}
}

func TestCallbackPolicy_Control(t *testing.T) {
	t.Parallel()
	const public, private, never = 0, 1, 2
	for address, kind := range map[string]int{
		"8.8.8.8:443": public, "[2606:4700::1111]:443": public, "[::ffff:8.8.8.8]:443": public,
		"127.0.0.1:80": private, "127.9.9.9:80": private, "10.1.2.3:80": private, "172.31.0.1:80": private, "192.168.1.1:80": private,
		"100.64.0.1:80": private, "198.18.0.1:80": private, "[::1]:80": private, "[fc00::1]:80": private, "[fd12::1%eth0]:80": private,
		"[::ffff:127.0.0.1]:80": private, "[64:ff9b::7f00:1]:80": private, "[2002:7f00:1::]:80": private, "[::7f00:1]:80": private,
		"169.254.169.254:80": never, "[fe80::1%eth0]:80": never, "[::ffff:169.254.169.254]:80": never, "[fd00:ec2::254]:80": never,
		"0.0.0.0:80": never, "[::]:80": never, "224.0.0.1:80": never, "255.255.255.255:80": never, "[ff02::1]:80": never,
		"no address": never,
	} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			if err := (CallbackPolicy{}).control("tcp", address, nil); (err == nil) != (kind == public) {
				t.Errorf("control() = %v for an address of kind %d", err, kind)
			}
			if err := (CallbackPolicy{Private: true}).control("tcp", address, nil); (err == nil) != (kind != never) {
				t.Errorf("control(private) = %v for an address of kind %d", err, kind)
			}
		})
	}
}

// TestSign holds the signature against the example of Standard Webhooks.
func TestSign(t *testing.T) {
	t.Parallel()
	header := http.Header{}
	secret := []byte("\x31\xf2\x90\xf6\xbf\x06\x29\x8a\xab\x4f\x08\xd4\x3c\x3f\x08\x2c\xf6\x48\xa3\x62\xda\x2d\xa4\xb0")
	sign(header, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`), [][]byte{secret, []byte("other")})
	id, at, signatures := header["Webhook-Id"][0], header["Webhook-Timestamp"][0], strings.Fields(header["Webhook-Signature"][0])
	if id != "msg_p5jXN8AQM9LWM0D4loKWxJek" || at != "1614265330" || len(signatures) != 2 ||
		signatures[0] != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("id %q, timestamp %q, signatures %q", id, at, signatures)
	}
}

func TestCallbackBody(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 2, 1, 0, 0, 0, time.FixedZone("IST", 19800))
	parsed := storage.Callback{
		Event: storage.StatusParsed, At: at, Bucket: "b", Key: "in/ZZZPA0001Z.pdf", Batch: "night",
		PAN: "ZZZPA0001Z", CASType: "NSDL", PeriodFrom: "2025-04-01", PeriodTo: "2025-04-30",
	}
	dead := storage.Callback{Event: storage.StatusDead, At: at, Reason: storage.ReasonWrongPassword, Bucket: "b", Key: "a.pdf"}
	const id, stamp = `"data":{"document_id":"00000000-0000-0000-0000-000000000000",`, `"timestamp":"2026-05-01T19:30:00Z",`
	for name, test := range map[string]struct {
		callback storage.Callback
		pan      bool
		want     string
	}{
		"Parsed": {parsed, false, `{"type":"document.parsed",` + stamp + id + `"status":"parsed","bucket":"b","key":"in/ZZ*******Z.pdf","batch":"night",` +
			`"statement":{"cas_type":"NSDL","period_from":"2025-04-01","period_to":"2025-04-30"}}}`},
		"ParsedWithPAN": {parsed, true, `{"type":"document.parsed",` + stamp + id + `"status":"parsed","bucket":"b","key":"in/ZZZPA0001Z.pdf","batch":"night",` +
			`"statement":{"pan":"ZZZPA0001Z","cas_type":"NSDL","period_from":"2025-04-01","period_to":"2025-04-30"}}}`},
		"Dead": {dead, false, `{"type":"document.dead",` + stamp + id + `"status":"dead","reason":"wrong_password","bucket":"b","key":"a.pdf"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := callbackBody(test.callback, test.pan)
			if err != nil || string(got) != test.want {
				t.Errorf("callbackBody() = %v\ngot  %s\nwant %s", err, got, test.want)
			}
		})
	}
}

func TestDecodeCallback(t *testing.T) {
	t.Parallel()
	for payload, want := range map[string]string{
		`{"callback_id":"6f3c3a52-4f0e-5b77-9a27-3f0d5c0f4a11"}`: "", `{}`: "no callback_id", `{"other":1}`: "unknown field", `hush`: "not JSON",
	} {
		_, err := decodeCallback([]byte(payload))
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush")) {
			t.Errorf("decodeCallback(%s) = %v, want %q", payload, err, want)
		}
	}
}
