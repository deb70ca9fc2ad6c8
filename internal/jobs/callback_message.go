package jobs

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"casflow/internal/redact"
	"casflow/internal/storage"
)

// callbackMessage is the body of a callback, in the shape of Standard Webhooks.
type callbackMessage struct {
	Type      string       `json:"type"`      // document.parsed or document.dead
	Timestamp time.Time    `json:"timestamp"` // when the document ended
	Data      callbackData `json:"data"`
}

type callbackData struct {
	DocumentID string             `json:"document_id"`
	Status     storage.Status     `json:"status"`
	Reason     storage.Reason     `json:"reason,omitempty"` // of a dead one
	Bucket     string             `json:"bucket"`
	Key        string             `json:"key"` // PANs masked unless they are asked for
	Batch      string             `json:"batch,omitempty"`
	Statement  *callbackStatement `json:"statement,omitempty"` // of a parsed one
}

type callbackStatement struct {
	PAN        string `json:"pan,omitempty"` // only where it is asked for
	CASType    string `json:"cas_type"`
	PeriodFrom string `json:"period_from"`
	PeriodTo   string `json:"period_to"`
}

// newCallbackMessage is what is told of a document, with its PAN where that is
// asked for.
func newCallbackMessage(c storage.Callback, pan bool) callbackMessage {
	data := callbackData{DocumentID: c.DocumentID.String(), Status: c.Event, Reason: c.Reason, Bucket: c.Bucket, Key: c.Key, Batch: c.Batch}
	if c.Event == storage.StatusParsed {
		data.Statement = &callbackStatement{PAN: c.PAN, CASType: c.CASType, PeriodFrom: c.PeriodFrom, PeriodTo: c.PeriodTo}
	}
	if !pan {
		data.Key, data.Batch = redact.PANs(data.Key), redact.PANs(data.Batch)
		if data.Statement != nil {
			data.Statement.PAN = ""
		}
	}
	return callbackMessage{Type: "document." + string(c.Event), Timestamp: c.At.UTC(), Data: data}
}

// callbackBody encodes what is told.
func callbackBody(c storage.Callback, pan bool) ([]byte, error) {
	body, err := json.Marshal(newCallbackMessage(c, pan))
	if err != nil {
		return nil, fmt.Errorf("encode callback: %w", err)
	}
	return body, nil
}

// sign signs a callback as Standard Webhooks has it: one signature for each
// secret, so that secrets can be changed without a gap.
func sign(header http.Header, id string, at time.Time, body []byte, secrets [][]byte) {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	signatures := make([]string, len(secrets))
	for n, secret := range secrets {
		mac := hmac.New(sha256.New, secret)
		_, _ = mac.Write([]byte(id + "." + timestamp + ".")) // never fails, by its documentation
		_, _ = mac.Write(body)
		signatures[n] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	header.Set("Webhook-Id", id)
	header.Set("Webhook-Timestamp", timestamp)
	header.Set("Webhook-Signature", strings.Join(signatures, " "))
}
