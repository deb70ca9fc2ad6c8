package devstack

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestStartSQS shows that the server is strict; what it does with messages is
// shown by the tests of who takes them.
func TestStartSQS(t *testing.T) {
	t.Parallel()
	server, err := StartSQS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	url := server.Queue("q", 0, "")
	server.Send("q", "body")
	ours := "AWS4-HMAC-SHA256 Credential=" + server.AccessKey + "/20260501/" + server.Region + "/sqs/aws4_request, SignedHeaders=host, Signature=0"
	receive := `{"QueueUrl":"` + url + `","MaxNumberOfMessages":10,"WaitTimeSeconds":20,"VisibilityTimeout":30}`
	for _, test := range []struct {
		name, by, action, body, want string
	}{
		{"unsigned", "", "ReceiveMessage", receive, "#InvalidSecurity"},
		{"for another service", strings.Replace(ours, "/sqs/", "/s3/", 1), "ReceiveMessage", receive, "#InvalidSecurity"},
		{"another action", ours, "PurgeQueue", receive, "#InvalidAction"},
		{"no JSON", ours, "ReceiveMessage", "Action=ReceiveMessage", "#SerializationException"},
		{"unknown member", ours, "ReceiveMessage", strings.Replace(receive, "{", `{"Nonsense":1,`, 1), "#SerializationException"},
		{"too many", ours, "ReceiveMessage", strings.Replace(receive, ":10", ":11", 1), "#InvalidParameterValue"},
		{"without waiting", ours, "ReceiveMessage", strings.Replace(receive, ":20", ":0", 1), "#InvalidParameterValue"},
		{"no such queue", ours, "ReceiveMessage", strings.Replace(receive, "/q", "/other", 1), "#QueueDoesNotExist"},
		{"receive", ours, "ReceiveMessage", receive, `"Body":"body"`},
		{"nothing to delete", ours, "DeleteMessageBatch", `{"QueueUrl":"` + url + `","Entries":[]}`, "#TooManyEntriesInBatchRequest"},
		{"twice the same", ours, "DeleteMessageBatch", `{"QueueUrl":"` + url + `","Entries":[{"Id":"1","ReceiptHandle":"x"},{"Id":"1","ReceiptHandle":"y"}]}`, "#InvalidParameterValue"},
		{"no visibility", ours, "ChangeMessageVisibilityBatch", `{"QueueUrl":"` + url + `","Entries":[{"Id":"1","ReceiptHandle":"x"}]}`, "#InvalidParameterValue"},
		{"another's receipt", ours, "DeleteMessageBatch", `{"QueueUrl":"` + url + `","Entries":[{"Id":"1","ReceiptHandle":"x"}]}`, "ReceiptHandleIsInvalid"},
		{"delete", ours, "DeleteMessageBatch", `{"QueueUrl":"` + url + `","Entries":[{"Id":"1","ReceiptHandle":"message-1-receipt-1"}]}`, `"Successful":[{"Id":"1"}]`},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.Endpoint+"/", strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", test.by)
		request.Header.Set("X-Amz-Target", "AmazonSQS."+test.action)
		request.Header.Set("Content-Type", "application/x-amz-json-1.0")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(response.Body)
		if err != nil || response.Body.Close() != nil || !strings.Contains(string(answer), test.want) {
			t.Errorf("%s: answer %s, %v, want %s", test.name, answer, err, test.want)
		}
	}
	server.Advance(time.Hour) // what was deleted stays away
	if err := server.Await(t.Context(), "q", func(left []SQSMessage) bool { return len(left) == 0 }); err != nil {
		t.Error(err)
	}
}
