package s3event_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/s3event"
)

const (
	// fromS3 is as the documentation of S3 has it.
	fromS3 = `{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"ap-south-1","eventTime":"2026-05-01T00:00:00.000Z",
"eventName":"ObjectCreated:Put","userIdentity":{"principalId":"AWS:EXAMPLE"},"requestParameters":{"sourceIPAddress":"192.0.2.1"},
"responseElements":{"x-amz-request-id":"C3D13FE58DE4C810","x-amz-id-2":"x"},
"s3":{"s3SchemaVersion":"1.0","configurationId":"cas","bucket":{"name":"statements","ownerIdentity":{"principalId":"A3NL1KOZZKExample"},"arn":"arn:aws:s3:::statements"},
"object":{"key":"in/May+2026/a%2Bb%3D%E0%A4%95.pdf","size":1024,"eTag":"d41d8cd98f00b204e9800998ecf8427e","versionId":"096fKKXTRTtl3on89fVO.nfljtsv6qko","sequencer":"0055AED6DCD90281E5"}}}]}`
	fromMinIO = `{"EventName":"s3:ObjectCreated:CompleteMultipartUpload","Key":"statements/in/a.pdf","Records":[{"eventVersion":"2.0","eventSource":"minio:s3",
"awsRegion":"","eventTime":"2026-05-01T00:00:00.000Z","eventName":"s3:ObjectCreated:CompleteMultipartUpload","userIdentity":{"principalId":"minioadmin"},
"s3":{"s3SchemaVersion":"1.0","configurationId":"Config","bucket":{"name":"statements","ownerIdentity":{"principalId":"minioadmin"},"arn":"arn:aws:s3:::statements"},
"object":{"key":"in%2Fa+b.pdf","size":7,"eTag":"0123456789abcdef-2","contentType":"application/pdf","userMetadata":{"content-type":"application/pdf"},"sequencer":"1"}},
"source":{"host":"127.0.0.1","port":"","userAgent":"MinIO"}}]}`
	fromBridge = `{"version":"0","id":"17793124-05d4-b198-2fde-7ededc63b103","detail-type":"Object Created","source":"aws.s3","account":"111122223333",
"time":"2026-05-01T00:00:00Z","region":"ap-south-1","resources":["arn:aws:s3:::statements"],"detail":{"version":"0","bucket":{"name":"statements"},
"object":{"key":"in/a+b %41.pdf","size":5,"etag":"b1946ac92492d2347c6235b4d2611184","version-id":"IYV3p45BT0ac8hjHg1houSdS1a.Mro8e","sequencer":"0"},
"request-id":"N4N7GDK58NMKJ12R","requester":"123456789012","source-ip-address":"192.0.2.1","reason":"PutObject"}}`
	testEvent = `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-05-01T00:00:00.000Z","Bucket":"statements","RequestId":"5582815E1AEA5ADF","HostId":"x"}`
)

func TestParse(t *testing.T) {
	t.Parallel()
	s3 := s3event.Object{
		Bucket: "statements", Key: "in/May 2026/a+b=क.pdf", VersionID: "096fKKXTRTtl3on89fVO.nfljtsv6qko", ETag: "d41d8cd98f00b204e9800998ecf8427e", Size: 1024,
	}
	bridge := s3event.Object{
		Bucket: "statements", Key: "in/a+b %41.pdf", VersionID: "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e", ETag: "b1946ac92492d2347c6235b4d2611184", Size: 5,
	}
	record := func(name, bucket, key string) string {
		return `{"eventName":"` + name + `","s3":{"bucket":{"name":"` + bucket + `"},"object":{"key":"` + key + `","eTag":"\"e\"","versionId":"null"}}}`
	}
	for _, test := range []struct {
		name, body string
		want       []s3event.Object
		err        error
	}{
		{"S3", fromS3, []s3event.Object{s3}, nil},
		{"MinIO", fromMinIO, []s3event.Object{{Bucket: "statements", Key: "in/a b.pdf", ETag: "0123456789abcdef-2", Size: 7}}, nil},
		{"EventBridge", fromBridge, []s3event.Object{bridge}, nil},
		{"SNS", `{"Type":"Notification","TopicArn":"t","Message":` + quoted(fromS3) + `}`, []s3event.Object{s3}, nil},
		{"test of S3", testEvent, nil, nil},
		{"test of S3 by SNS", `{"Type":"Notification","Message":` + quoted(testEvent) + `}`, nil, nil},
		{"no records", `{"Records":[]}`, nil, nil},
		{
			"several", `{"Records":[` + record("ObjectCreated:Copy", "b", "1.pdf") + `,` + record("ObjectRemoved:DeleteMarkerCreated", "b", "2.pdf") + `,` +
				record("ObjectRemoved:Delete", "b", "") + `,` + record("s3:ObjectRestore:Completed", "b", "3.pdf") + `,` + record("ObjectCreated:Post", "b", "4") + `]}`,
			[]s3event.Object{{Bucket: "b", Key: "1.pdf", ETag: "e"}, {Bucket: "b", Key: "4", ETag: "e"}},
			nil,
		},
		{"deleted, by EventBridge", strings.Replace(fromBridge, "Object Created", "Object Deleted", 1), nil, nil},
		{"empty", "", nil, s3event.ErrNoEvent},
		{"no JSON", "ZZZPA0001Z", nil, s3event.ErrNoEvent},
		{"null", "null", nil, s3event.ErrNoEvent},
		{"another event", `{"source":"aws.ec2","detail-type":"Object Created","detail":{}}`, nil, s3event.ErrNoEvent},
		{"another record", `{"Records":[{"eventSource":"aws:ses"}]}`, nil, s3event.ErrNoEvent},
		{"wrapped twice", `{"Type":"Notification","Message":` + quoted(`{"Type":"Notification","Message":`+quoted(fromS3)+`}`) + `}`, nil, s3event.ErrNoEvent},
		{"wrong type", `{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"ZZZPA0001Z","size":"7"}}}]}`, nil, s3event.ErrNoEvent},
		{"no bucket", `{"Records":[` + record("ObjectCreated:Put", "", "a.pdf") + `]}`, nil, s3event.ErrIncomplete},
		{"no key", `{"Records":[` + record("ObjectCreated:Put", "b", "") + `]}`, nil, s3event.ErrIncomplete},
		{"no key, by EventBridge", `{"source":"aws.s3","detail-type":"Object Created","detail":{"bucket":{"name":"b"}}}`, nil, s3event.ErrIncomplete},
		{"key not encoded", `{"Records":[` + record("ObjectCreated:Put", "b", "ZZZPA0001Z%.pdf") + `]}`, nil, s3event.ErrIncomplete},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := s3event.Parse([]byte(test.body))
			if diff := cmp.Diff(test.want, got); diff != "" || !errors.Is(err, test.err) {
				t.Errorf("got error %v, want %v; objects (-want +got):\n%s", err, test.err, diff)
			}
			if err != nil && strings.Contains(err.Error(), "ZZZPA0001Z") {
				t.Errorf("the error quotes the body: %v", err)
			}
		})
	}
}

func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text) + `"`
}

// FuzzParse: whatever comes, there is an error or objects that can be asked for.
func FuzzParse(f *testing.F) {
	for _, body := range []string{fromS3, fromMinIO, fromBridge, testEvent, `{"Type":"Notification","Message":` + quoted(fromS3) + `}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		objects, err := s3event.Parse(body)
		if err != nil && (objects != nil || !errors.Is(err, s3event.ErrNoEvent) && !errors.Is(err, s3event.ErrIncomplete)) {
			t.Errorf("%d objects and error %v", len(objects), err)
		}
		for _, o := range objects {
			if o.Bucket == "" || o.Key == "" {
				t.Errorf("an object without bucket or key: %+v", o)
			}
		}
	})
}
