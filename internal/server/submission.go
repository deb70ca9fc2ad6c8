package server

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"casflow/client"
	"casflow/internal/record"
	"casflow/internal/redact"
	"casflow/internal/storage"
	"casflow/internal/storage/objectstore"
)

// terms are how a document is to be parsed: client.Terms, with secrets that do not
// print.
type terms struct {
	Kind        string          `json:"kind"`
	Broker      string          `json:"broker"`
	Queue       string          `json:"queue"`
	Batch       string          `json:"batch"`
	Password    redact.Secret   `json:"password"`
	Passwords   []redact.Secret `json:"passwords"`
	CallbackURL redact.Secret   `json:"callback_url"` // may hold a token
}

// submission is client.Submission.
type submission struct {
	Bucket    string `json:"bucket"`
	Key       string `json:"key"`
	VersionID string `json:"version_id"`
	terms     `json:",inline"`
}

// Limits of fields, in bytes unless they say otherwise.
const (
	maxBucket    = 255
	maxKey       = 1024 // S3's
	maxVersion   = 1024 // S3's
	maxBatch     = 200
	maxPassword  = 256
	maxPasswords = 20 // candidates
)

// faults collects what is wrong with fields.
type faults []client.FieldError

func (f *faults) add(field, format string, args ...any) {
	*f = append(*f, fieldError(field, format, args...))
}

// text checks a field that goes into the ledger as it is.
func (f *faults) text(field, value string, most int, required bool) {
	switch {
	case value == "" && required:
		f.add(field, "is missing")
	case len(value) > most:
		f.add(field, "is longer than %d bytes", most)
	case !utf8.ValidString(value) || strings.ContainsRune(value, 0): // which Postgres does not take
		f.add(field, "is not text")
	}
}

// item reads a submission. Its error names each field that makes no sense.
func (s *Server) item(sub submission) (record.Item, error) {
	var f faults
	f.text("bucket", sub.Bucket, maxBucket, true)
	f.text("key", sub.Key, maxKey, true)
	f.text("version_id", sub.VersionID, maxVersion, false)
	if sub.Bucket != "" && !s.takes(sub.Bucket) {
		f.add("bucket", "is none of those that are taken here")
	}
	item := s.read(sub.terms, &f)
	if len(f) > 0 {
		return record.Item{}, badFields(f...)
	}
	item.Object.Ref = objectstore.Ref{Bucket: sub.Bucket, Key: sub.Key, VersionID: sub.VersionID}
	return item, nil
}

// takes reports whether documents of a bucket are taken.
func (s *Server) takes(bucket string) bool {
	return len(s.Buckets) == 0 || slices.Contains(s.Buckets, bucket) || bucket == s.UploadBucket
}

// read makes an item of terms, without an object.
func (s *Server) read(t terms, f *faults) record.Item {
	if t.Kind == "" {
		t.Kind = storage.KindSmart
	}
	if t.Queue == "" {
		t.Queue = storage.QueueInteractive
	}
	if !slices.Contains(s.Kinds, t.Kind) {
		f.add("kind", "is none of %s", strings.Join(s.Kinds, ", "))
	}
	switch {
	case t.Broker == "":
	case t.Kind != storage.KindContractNote:
		f.add("broker", "goes with kind %s only", storage.KindContractNote)
	case !slices.Contains(s.Brokers, t.Broker):
		f.add("broker", "is none of %s", strings.Join(s.Brokers, ", "))
	}
	if t.Queue != storage.QueueInteractive && t.Queue != storage.QueueBulk {
		f.add("queue", "is neither %s nor %s", storage.QueueInteractive, storage.QueueBulk)
	}
	f.text("batch", t.Batch, maxBatch, false)
	if strings.ContainsFunc(t.Batch, unicode.IsControl) {
		f.add("batch", "has control characters")
	}
	passwords := slices.Clone(t.Passwords)
	if t.Password != "" {
		passwords = slices.Insert(passwords, 0, t.Password)
	}
	s.checkPasswords(passwords, f)
	if url := t.CallbackURL.Reveal(); url != "" {
		if s.CheckCallback == nil {
			f.add("callback_url", "is not taken here: no hosts are allowed (CASFLOW_CALLBACK_HOSTS)")
		} else if err := s.CheckCallback(url); err != nil {
			f.add("callback_url", "%s", err)
		}
	}
	return record.Item{Kind: t.Kind, Broker: t.Broker, Queue: t.Queue, Batch: t.Batch, CallbackURL: t.CallbackURL.Reveal(), Passwords: passwords}
}

func (s *Server) checkPasswords(passwords []redact.Secret, f *faults) {
	if len(passwords) > 0 && s.Recorder.Sealer == nil {
		f.add("passwords", "are not taken here: there is no key to seal them with (CASFLOW_SECRET_KEY)")
	}
	if len(passwords) > maxPasswords {
		f.add("passwords", "are more than %d", maxPasswords)
	}
	for n, password := range passwords {
		if len(password) > maxPassword {
			f.add(fmt.Sprintf("passwords.%d", n), "is longer than %d bytes", maxPassword)
		}
	}
}
