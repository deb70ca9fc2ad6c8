package client

import "time"

// Submission is a PDF in S3 that is to be parsed.
type Submission struct {
	Bucket    string `json:"bucket"`
	Key       string `json:"key"`
	VersionID string `json:"version_id,omitempty"` // "" the newest
	Terms
}

// Terms say how a PDF is to be parsed. The zero value leaves all to the server:
// kind smart, queue interactive.
type Terms struct {
	Kind        string   `json:"kind,omitempty"`         // smart, or a parser that refuses what is not its own; contract_note for those of brokers
	Broker      string   `json:"broker,omitempty"`       // whose contract note it is: zerodha, groww, upstox or icici; "" the API finds out
	Queue       string   `json:"queue,omitempty"`        // interactive goes ahead of bulk
	Batch       string   `json:"batch,omitempty"`        // a name to ask for together
	Passwords   []string `json:"passwords,omitempty"`    // of the PDF, tried in order
	CallbackURL string   `json:"callback_url,omitempty"` // who is told when it is parsed or dead
}

// Submitted is the document that a PDF is. The same PDF under the same name always
// is the same document.
type Submitted struct {
	DocumentID string `json:"document_id"`
	Status     string `json:"status"`
	New        bool   `json:"new"` // it was not known before
	Bucket     string `json:"bucket"`
	Key        string `json:"key"` // PANs masked
	// Callback tells that the callback_url that was given will be told. It is not where
	// the document is parsed already, or somebody else is to be told of it.
	Callback bool `json:"callback"`
}

// Result is what became of one line of a batch: a document, or an error.
type Result struct {
	Line int `json:"line"` // from 1
	*Submitted
	Error *Problem `json:"error,omitempty"`
}

// Document is how a document stands. What is zero is not known, or has not come.
type Document struct {
	DocumentID string     `json:"document_id"`
	Status     string     `json:"status"` // pending, queued, calling, answered, parsed or dead
	Bucket     string     `json:"bucket"`
	Key        string     `json:"key"` // PANs masked
	VersionID  string     `json:"version_id,omitempty"`
	SizeBytes  int64      `json:"size_bytes"`
	Kind       string     `json:"kind"`
	Broker     string     `json:"broker,omitempty"` // of a contract note, where it was told
	Queue      string     `json:"queue"`
	Batch      string     `json:"batch,omitempty"`
	CreatedAt  time.Time  `json:"created_at"`
	UpdatedAt  time.Time  `json:"updated_at"`
	FinishedAt *time.Time `json:"finished_at,omitempty"`

	Attempts     int    `json:"attempts"`      // calls of the CAS Parser API
	CreditsSpent string `json:"credits_spent"` // decimal; of the calls whose cost is known

	DeadLetter *DocumentDeath     `json:"dead_letter,omitempty"` // of a dead one
	Statement  *DocumentStatement `json:"statement,omitempty"`   // of a parsed one
	Callback   *DocumentCallback  `json:"callback,omitempty"`    // where somebody is told of its last end
}

// DocumentDeath is why a document is dead.
type DocumentDeath struct {
	Reason     string `json:"reason"`
	Message    string `json:"message"`               // PANs masked
	HTTPStatus int    `json:"http_status,omitempty"` // of the CAS Parser API
	Discarded  bool   `json:"discarded,omitempty"`   // given up for good
}

// DocumentStatement is what a document's rows in Postgres are found by.
type DocumentStatement struct {
	PAN        string `json:"pan"` // masked
	CASType    string `json:"cas_type"`
	PeriodFrom string `json:"period_from"` // 2006-01-02
	PeriodTo   string `json:"period_to"`   // inclusive
}

// DocumentCallback is how far telling a document's end has come.
type DocumentCallback struct {
	State      string `json:"state"` // pending, queued, delivered, given_up or superseded
	Attempts   int    `json:"attempts"`
	HTTPStatus int    `json:"http_status,omitempty"` // that the last one was answered with
}

// Batch is how the documents of a batch stand.
type Batch struct {
	Batch              string         `json:"batch"`
	Documents          map[string]int `json:"documents"` // by status
	Dead               map[string]int `json:"dead"`      // by reason, without the discarded ones
	Discarded          int            `json:"discarded"` // given up for good
	Left               int            `json:"left"`      // neither parsed nor dead
	FinishedLastMinute int            `json:"finished_last_minute"`
	ETASeconds         int            `json:"eta_seconds,omitempty"` // at the pace of the last minute; absent where nobody can tell
	CreditsSpent       string         `json:"credits_spent"`         // decimal; of the calls whose cost is known
	AttemptsUnknown    int            `json:"attempts_unknown"`      // calls that may have been billed without an answer
	// AccountPaused is why the CAS Parser API is not called now; "" it is.
	AccountPaused string `json:"account_paused,omitempty"`
}

// DeadFilter chooses dead letters; the zero value chooses all.
type DeadFilter struct {
	Reason string
	Batch  string
}

// DeadLetter is a document that nothing tries again unasked, and why.
type DeadLetter struct {
	DocumentID string    `json:"document_id"`
	Reason     string    `json:"reason"`
	Message    string    `json:"message"`               // PANs masked
	HTTPStatus int       `json:"http_status,omitempty"` // of the CAS Parser API
	RequestID  string    `json:"request_id,omitempty"`  // as support of the CAS Parser API wants it
	DeadAt     time.Time `json:"dead_at"`
	Bucket     string    `json:"bucket,omitempty"` // "" a bad task without a document
	Key        string    `json:"key,omitempty"`    // PANs masked
	Batch      string    `json:"batch,omitempty"`
}

// DeadLetters is a page of them, oldest first.
type DeadLetters struct {
	DeadLetters []DeadLetter `json:"dead_letters"`
	NextCursor  string       `json:"next_cursor,omitempty"` // of the next page; "" this is the last
}

// Redrive chooses dead documents that are to be tried again, all that it says
// together. Something must choose, or All.
type Redrive struct {
	Reason    string   `json:"reason,omitempty"`
	Batch     string   `json:"batch,omitempty"`
	Documents []string `json:"documents,omitempty"` // ids
	Limit     int      `json:"limit,omitempty"`     // the oldest; 0 is all
	All       bool     `json:"all,omitempty"`
	// Passwords replace those of Documents, which must be given with them.
	Passwords []string `json:"passwords,omitempty"`
	DryRun    bool     `json:"dry_run,omitempty"` // only count
}

// Redriven is what a redrive did, or with DryRun would do.
type Redriven struct {
	Documents int            `json:"documents"`
	ByReason  map[string]int `json:"by_reason"`
	// CreditsAtMost is what it costs at the most: documents whose answer is kept cost
	// nothing.
	CreditsAtMost int  `json:"credits_at_most"`
	DryRun        bool `json:"dry_run"`
}

// EventsTaken is what became of the objects of an S3 notification.
type EventsTaken struct {
	Recorded int `json:"recorded"` // new documents
	Known    int `json:"known"`    // recorded before
	Ignored  int `json:"ignored"`  // other events, other objects, or gone meanwhile
}

// Problem is an error of the server, as RFC 9457 has it.
type Problem struct { //nolint:errname // what the RFC calls it
	Type   string `json:"type"` // about:blank
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	// Reason is what the document would die of, where that is why it is not taken.
	Reason string       `json:"reason,omitempty"`
	Errors []FieldError `json:"errors,omitempty"`

	RetryAfter time.Duration `json:"-"` // when to try again; 0 the server does not say
}

// FieldError is what is wrong with one field of a request.
type FieldError struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}
