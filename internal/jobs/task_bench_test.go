package jobs

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"casflow/internal/storage"
)

// BenchmarkTask makes the task of a delivery and reads it again.
func BenchmarkTask(b *testing.B) {
	delivery := storage.Delivery{DocumentID: uuid.New(), Number: 1, Queue: storage.QueueBulk}
	b.ReportAllocs()
	for b.Loop() {
		task, err := newTask(delivery, time.Minute)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := DecodePayload(task.Payload()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCallback writes and signs what is told of a document, while its secret is
// being changed.
func BenchmarkCallback(b *testing.B) {
	c := storage.Callback{DocumentID: uuid.New(), Event: storage.StatusParsed, Bucket: "statements", Key: "in/a.pdf", Batch: "may", At: receivedAt}
	secrets := [][]byte{make([]byte, 32), make([]byte, 32)}
	b.ReportAllocs()
	for b.Loop() {
		body, err := callbackBody(c, false)
		if err != nil {
			b.Fatal(err)
		}
		sign(make(http.Header), "msg_1", receivedAt, body, secrets)
	}
}
