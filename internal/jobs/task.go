package jobs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/hibiken/asynq"

	"casflow/internal/casapi"
	"casflow/internal/redact"
	"casflow/internal/storage"
)

// TaskType is the type of casflow's one task: parse a document.
const TaskType = "cas:parse"

// Payload is what a task carries, as JSON. casflow's own tasks carry the
// document id; another service may name an object instead, which the worker then
// records itself. Neither holds a password or a PAN of its own.
type Payload struct {
	DocumentID uuid.UUID `json:"document_id,omitzero"`

	Bucket      string `json:"bucket,omitempty"`
	Key         string `json:"key,omitempty"`
	VersionID   string `json:"version_id,omitempty"`   // "" the current version
	Kind        string `json:"kind,omitempty"`         // "" smart
	Broker      string `json:"broker,omitempty"`       // of a contract note; "" the API finds out
	Batch       string `json:"batch,omitempty"`        // "" none
	CallbackURL string `json:"callback_url,omitempty"` // "" none; kept with the document
}

// DecodePayload reads and checks a payload. Its errors name the fault, never the
// content.
func DecodePayload(data []byte) (Payload, error) {
	var p Payload
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		return Payload{}, payloadFault(data, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Payload{}, payloadFault(data, errors.New("there is more behind the JSON object"))
	}
	switch {
	case p.DocumentID != uuid.Nil:
		if p != (Payload{DocumentID: p.DocumentID}) {
			return Payload{}, payloadFault(data, errors.New("document_id stands alone, or bucket and key without it"))
		}
	case p.Bucket == "" || p.Key == "":
		return Payload{}, payloadFault(data, errors.New("neither document_id nor bucket and key"))
	default:
		if p.Kind == "" {
			p.Kind = storage.KindSmart
		}
		if _, ok := parsers[p.Kind]; !ok {
			return Payload{}, payloadFault(data, errors.New("kind is none of "+kinds()))
		}
		switch {
		case p.Broker != "" && p.Kind != storage.KindContractNote:
			return Payload{}, payloadFault(data, errors.New("broker is for contract notes only"))
		case p.Broker != "" && !slices.Contains(casapi.BrokerTypes(), p.Broker):
			return Payload{}, payloadFault(data, errors.New("broker is none of "+strings.Join(casapi.BrokerTypes(), ", ")))
		}
	}
	return p, nil
}

// payloadFault says what is wrong with a payload without repeating it: what
// encoding/json quotes are names of fields and types, but a stranger's field may
// be named after a PAN.
func payloadFault(data []byte, err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		err = fmt.Errorf("not JSON (at byte %d)", syntax.Offset)
	}
	return fmt.Errorf("payload of %d bytes: %s", len(data), redact.PANs(err.Error()))
}

// taskID is the id of a delivery's task. The queue refuses a second task of the
// same id; each delivery has its own, so a ghost of an earlier one blocks nothing.
func taskID(document uuid.UUID, delivery int) string {
	return fmt.Sprintf("%s:%d", document, delivery)
}

// maxRetry keeps asynq's own count of retries out of reach: the ledger counts
// attempts, and a 429 on asynq's last retry would be archived however it is
// classified.
const maxRetry = 1 << 20

// newTask makes the task of a delivery. timeout is how long asynq lets a worker
// be at it.
func newTask(d storage.Delivery, timeout time.Duration) (*asynq.Task, error) {
	payload, err := json.Marshal(Payload{DocumentID: d.DocumentID})
	if err != nil {
		return nil, fmt.Errorf("encode payload: %w", err)
	}
	options := []asynq.Option{
		asynq.TaskID(taskID(d.DocumentID, d.Number)), asynq.Queue(d.Queue), asynq.MaxRetry(maxRetry), asynq.Timeout(timeout),
	}
	if d.Wait > 0 {
		options = append(options, asynq.ProcessIn(d.Wait))
	}
	return asynq.NewTask(TaskType, payload, options...), nil
}
