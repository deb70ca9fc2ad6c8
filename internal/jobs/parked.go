package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"casflow/internal/storage"
)

// Parked keeps answers in Redis, sealed, that Postgres cannot take: should the
// worker that holds such an answer die before Postgres is back, the next delivery
// of the document finds it here, and nothing is paid for twice.
type Parked struct {
	client redis.UniversalClient
	sealer *storage.Sealer
}

// NewParked returns a Parked. Workers with the same sealer share what is parked.
func NewParked(client redis.UniversalClient, sealer *storage.Sealer) *Parked {
	return &Parked{client: client, sealer: sealer}
}

// parkedAnswer is an answer and the end of the attempt that brought it, as they
// are before they are sealed.
type parkedAnswer struct {
	SHA256       []byte    `json:"sha256"`
	Endpoint     string    `json:"endpoint"`
	RequestID    string    `json:"request_id"`
	Body         []byte    `json:"body"`
	ReceivedAt   time.Time `json:"received_at"`
	HTTPStatus   int       `json:"http_status"`
	Message      string    `json:"message,omitempty"`
	APIRequestID string    `json:"api_request_id,omitempty"`
	Credits      string    `json:"credits,omitempty"`
}

// parkedKey holds no secret: the document's id is in every task.
func parkedKey(document uuid.UUID) string { return "casflow:parked:" + document.String() }

// Put keeps an answer until Drop. It has no time to live: it is paid for.
func (p *Parked) Put(ctx context.Context, answer storage.Answer, end storage.AttemptEnd) error {
	text, err := json.Marshal(parkedAnswer{
		SHA256: answer.SHA256[:], Endpoint: answer.Endpoint, RequestID: answer.RequestID, Body: answer.Body, ReceivedAt: answer.ReceivedAt,
		HTTPStatus: end.HTTPStatus, Message: end.Message, APIRequestID: end.APIRequestID, Credits: end.Credits,
	})
	if err != nil {
		return fmt.Errorf("park answer: %w", err)
	}
	if err := p.client.Set(ctx, parkedKey(answer.DocumentID), p.sealer.Seal(answer.DocumentID, text), 0).Err(); err != nil {
		return fmt.Errorf("park answer: %w", err)
	}
	return nil
}

// Take returns the answer that is parked for a document, which stays parked. There
// is none where found is false. One that was sealed with another key is an error:
// it may come back, or another worker may have it.
func (p *Parked) Take(ctx context.Context, document uuid.UUID) (answer storage.Answer, end storage.AttemptEnd, found bool, err error) {
	sealed, err := p.client.Get(ctx, parkedKey(document)).Bytes()
	if errors.Is(err, redis.Nil) {
		return answer, end, false, nil
	}
	if err != nil {
		return answer, end, false, fmt.Errorf("look for parked answer: %w", err)
	}
	text, err := p.sealer.Open(document, sealed)
	if err != nil {
		return answer, end, false, errors.New("an answer is parked that was sealed with another CASFLOW_SECRET_KEY")
	}
	var parked parkedAnswer
	if err := json.Unmarshal(text, &parked); err != nil {
		return answer, end, false, fmt.Errorf("read parked answer: %w", err)
	}
	answer = storage.Answer{
		DocumentID: document, Endpoint: parked.Endpoint, RequestID: parked.RequestID, Body: parked.Body, ReceivedAt: parked.ReceivedAt,
	}
	copy(answer.SHA256[:], parked.SHA256)
	end = storage.AttemptEnd{
		RequestID: parked.RequestID, Outcome: storage.OutcomeAnswered, HTTPStatus: parked.HTTPStatus, Message: parked.Message,
		APIRequestID: parked.APIRequestID, Credits: parked.Credits,
	}
	return answer, end, true, nil
}

// Drop forgets an answer that Postgres has.
func (p *Parked) Drop(ctx context.Context, document uuid.UUID) error {
	if err := p.client.Del(ctx, parkedKey(document)).Err(); err != nil {
		return fmt.Errorf("drop parked answer: %w", err)
	}
	return nil
}
