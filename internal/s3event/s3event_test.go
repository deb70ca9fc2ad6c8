package s3event

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The forms are those that each sender documents; names are made up.
const (
	ofS3 = `{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"ap-south-1","eventTime":"2026-05-02T01:00:00.000Z",
		"eventName":"ObjectCreated:Put","s3":{"s3SchemaVersion":"1.0","configurationId":"c","bucket":{"name":"statements","arn":"arn:aws:s3:::statements"},
		"object":{"key":"in/May+2026/caf%C3%A9+%281%29%2B.pdf","size":1024,"eTag":"d41d8cd98f00b204e9800998ecf8427e","versionId":"v1","sequencer":"0A1B"}}}]}`
	ofEventBridge = `{"version":"0","id":"17793124-05d4-b198-2fde-7ededc63b103","detail-type":"Object Created","source":"aws.s3","account":"111122223333",
		"time":"2026-05-02T01:00:00Z","region":"ap-south-1","resources":["arn:aws:s3:::statements"],"detail":{"version":"0","bucket":{"name":"statements"},
		"object":{"key":"in/May 2026/a+b.pdf","size":5,"etag":"b1946ac92492d2347c6235b4d2611184","version-id":"v2","sequencer":"61"},"reason":"PutObject"}}`
	ofMinIO = `{"EventName":"s3:ObjectCreated:CompleteMultipartUpload","Key":"statements/in/a b.pdf","Records":[{"eventVersion":"2.0","eventSource":"minio:s3",
		"eventName":"s3:ObjectCreated:CompleteMultipartUpload","s3":{"bucket":{"name":"statements"},"object":{"key":"in%2Fa+b.pdf","size":488,
		"eTag":"f22d66a7d0dbbc4a7cf1122eeeb1a106","contentType":"application/pdf","userMetadata":{"content-type":"application/pdf"},"versionId":"null"}},
		"source":{"host":"127.0.0.1"}}]}`
	ofCeph = `{"Records":[{"eventSource":"ceph:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"statements","id":"1"},
		"object":{"key":"a.pdf","size":"1024","eTag":"\"37b51d194a7513e45b56f6524f2d51f2\"","versionId":""}},"eventId":"e"}]}`
	ofTest = `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-05-02T01:00:00.000Z","Bucket":"statements","RequestId":"r","HostId":"h"}`
)

func TestParse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body    string
		created []Object
		others  int
	}{
		"S3":          {ofS3, []Object{{"statements", "in/May 2026/café (1)+.pdf", "", "v1", "d41d8cd98f00b204e9800998ecf8427e", 1024}}, 0},
		"EventBridge": {ofEventBridge, []Object{{"statements", "in/May 2026/a+b.pdf", "in/May 2026/a b.pdf", "v2", "b1946ac92492d2347c6235b4d2611184", 5}}, 0},
		"MinIO":       {ofMinIO, []Object{{"statements", "in/a b.pdf", "", "", "f22d66a7d0dbbc4a7cf1122eeeb1a106", 488}}, 0},
		"Ceph":        {ofCeph, []Object{{"statements", "a.pdf", "", "", "37b51d194a7513e45b56f6524f2d51f2", 1024}}, 0},
		"Test":        {ofTest, nil, 1},
		"Deleted":     {strings.Replace(ofEventBridge, "Object Created", "Object Deleted", 1), nil, 1},
		"NoRecords":   {`{"Records":[]}`, nil, 0},
		"Several": {
			`{"Records":[{"eventName":"ObjectRemoved:DeleteMarkerCreated","s3":{"bucket":{"name":"b"},"object":{"key":"gone.pdf"}}},` +
				`{"eventName":"ObjectCreated:Copy","s3":{"bucket":{"name":"b"},"object":{"key":"a.pdf"}}},` +
				`{"eventName":"ObjectRestore:Post","s3":{"bucket":{"name":"b"},"object":{"key":"b.pdf"}}},` +
				`{"eventName":"s3:ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"c.pdf","size":0}}}]}`,
			[]Object{{"b", "a.pdf", "", "", "", -1}, {"b", "c.pdf", "", "", "", 0}},
			2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			created, others, err := Parse([]byte(test.body))
			if err != nil || others != test.others {
				t.Errorf("%d others, %v, want %d", others, err, test.others)
			}
			if diff := cmp.Diff(test.created, created); diff != "" {
				t.Errorf("created (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParse_Unknown(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"Empty": ``, "NoJSON": `hush`, "Other": `{"hush":1}`, "List": `[]`, "Text": `"hush"`, "Null": `null`, "RecordsText": `{"Records":"hush"}`,
		"NoDetail": `{"detail-type":"Object Created"}`, "NoKey": `{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"hush"}}}]}`,
		"NoBucket": `{"Records":[{"eventName":"ObjectCreated:Put","s3":{"object":{"key":"hush"}}}]}`,
		"BadKey":   `{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"hush%zz"}}}]}`,
		"NoObject": `{"detail-type":"Object Created","detail":{"bucket":{"name":"hush"}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, _, err := Parse([]byte(body)); !errors.Is(err, ErrUnknown) || strings.Contains(err.Error(), "hush") {
				t.Errorf("Parse() = %v, want ErrUnknown without the body", err)
			}
		})
	}
}
