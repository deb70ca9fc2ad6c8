package jobs

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"casflow/internal/storage"
)

func TestDecodePayload(t *testing.T) {
	t.Parallel()
	id := uuid.MustParse("9b2f8c1e-0000-4000-8000-000000000001")
	for name, test := range map[string]struct {
		data string
		want Payload
	}{
		"Document": {`{"document_id":"` + id.String() + `"}`, Payload{DocumentID: id}},
		"Object": {
			`{"bucket":"b","key":"k","version_id":"v","kind":"nsdl","batch":"n","callback_url":"https://x.invalid/"}`,
			Payload{Bucket: "b", Key: "k", VersionID: "v", Kind: "nsdl", Batch: "n", CallbackURL: "https://x.invalid/"},
		},
		"ObjectShort": {`{"bucket":"b","key":"k"}`, Payload{Bucket: "b", Key: "k", Kind: storage.KindSmart}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := DecodePayload([]byte(test.data))
			if err != nil || got != test.want {
				t.Errorf("DecodePayload() = %+v, %v, want %+v", got, err, test.want)
			}
		})
	}
}

func TestDecodePayload_Faults(t *testing.T) {
	t.Parallel()
	const pan = "ZZZPA0001Z"
	for name, test := range map[string]struct{ data, want string }{
		"Empty":        {``, "payload of 0 bytes"},
		"NotJSON":      {`hello ` + pan, "not JSON"},
		"CutOff":       {`{"document_id":"` + pan, "payload of 26 bytes"},
		"UnknownField": {`{"bucket":"b","key":"k","` + pan + `":"x"}`, "unknown field"},
		"BadID":        {`{"document_id":"` + pan + `"}`, "payload of"},
		"Nothing":      {`{}`, "neither document_id nor bucket"},
		"Both":         {`{"document_id":"9b2f8c1e-0000-4000-8000-000000000001","bucket":"b"}`, "stands alone"},
		"BadKind":      {`{"bucket":"b","key":"k","kind":"` + pan + `"}`, "kind is none of"},
		"MoreBehind":   {`{"bucket":"b","key":"k"} {}`, "more behind"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := DecodePayload([]byte(test.data))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("DecodePayload() = %v, want %q", err, test.want)
			}
			if strings.Contains(err.Error(), pan) {
				t.Errorf("the error repeats the content: %v", err)
			}
		})
	}
}

func FuzzDecodePayload(f *testing.F) {
	f.Add([]byte(`{"document_id":"9b2f8c1e-0000-4000-8000-000000000001"}`))
	f.Add([]byte(`{"bucket":"b","key":"k"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := DecodePayload(data)
		if err == nil && p.DocumentID == uuid.Nil && (p.Bucket == "" || p.Key == "" || parsers[p.Kind].read == nil) {
			t.Errorf("accepted %+v", p)
		}
	})
}

func TestNewTask(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	task, err := newTask(storage.Delivery{DocumentID: id, Queue: storage.QueueBulk, Number: 3, Wait: time.Hour}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if task.Type() != TaskType {
		t.Errorf("type %s, want %s", task.Type(), TaskType)
	}
	var fields map[string]string
	if err := json.Unmarshal(task.Payload(), &fields); err != nil || len(fields) != 1 || fields["document_id"] != id.String() {
		t.Errorf("payload %s, want the document id alone (%v)", task.Payload(), err)
	}
}
