package casapi

import (
	"context"
	"strconv"
	"time"

	"casflow/internal/redact"
)

const (
	inboxConnectEndpoint    Endpoint = "/v4/inbox/connect"
	inboxStatusEndpoint     Endpoint = "/v4/inbox/status"
	inboxCASEndpoint        Endpoint = "/v4/inbox/cas"
	inboxDisconnectEndpoint Endpoint = "/v4/inbox/disconnect"

	inboxTimeout = 30 * time.Second // no timing is documented
	// inboxCASTimeout is longer: the API searches a mailbox meanwhile, and is paid
	// for that whether the answer is waited for or not.
	inboxCASTimeout = 90 * time.Second
)

// InboxProviders are the API's names of mail services.
func InboxProviders() []string { return []string{"gmail", "outlook", "zoho"} }

// CASTypes are the API's names of the statements that come by mail.
func CASTypes() []string { return []string{"cdsl", "nsdl", "cams", "kfintech"} }

// InboxConnectRequest asks for access to a mailbox.
type InboxConnectRequest struct {
	// RedirectURI is where the owner of the mailbox is sent afterwards, with the query
	// parameters inbox_token, email and state, or else error and state.
	RedirectURI string
	// State comes back as it is; "" leaves it out.
	State string
	// Provider is one of InboxProviders. "" leaves it to the API: gmail.
	Provider string
}

// Faults is what is wrong with the request, nothing when it can be sent.
func (r InboxConnectRequest) Faults() []FieldFault {
	var checks checks
	checks.link("redirect_uri", r.RedirectURI)
	if r.Provider != "" {
		checks.oneOf("provider", r.Provider, InboxProviders())
	}
	return checks
}

// InboxConnection is where the owner of the mailbox gives access.
type InboxConnection struct {
	OAuthURL redact.Secret
	Expires  time.Time // zero: unknown
	Provider string
	Receipt
}

// InboxConnect returns the page on which the owner of a mailbox gives access to it.
// It is free.
func (c *Client) InboxConnect(ctx context.Context, request InboxConnectRequest) (*InboxConnection, error) {
	connection := &InboxConnection{}
	began := time.Now()
	receipt, err := c.ask(ctx, question{
		endpoint: inboxConnectEndpoint, fault: checks(request.Faults()).fault(), timeout: inboxTimeout, lacks: "oauth_url",
		fields: struct {
			RedirectURI string `json:"redirect_uri"`
			State       string `json:"state,omitzero"`
			Provider    string `json:"provider,omitzero"`
		}{request.RedirectURI, request.State, request.Provider},
	}, func(m members) (bool, string) {
		connection.OAuthURL = redact.Secret(m.text("oauth_url"))
		connection.Provider = m.text("provider")
		connection.Expires = m.expiry(began)
		return connection.OAuthURL != "", ""
	})
	if err != nil {
		return nil, err
	}
	connection.Receipt = *receipt
	return connection, nil
}

// InboxState is how a mailbox stands.
type InboxState struct {
	Connected       bool
	Provider, Email string
	Receipt
}

// InboxStatus tells whether access to a mailbox still holds. It is free. A token that
// does not is ErrReconnect.
func (c *Client) InboxStatus(ctx context.Context, token redact.Secret) (*InboxState, error) {
	state := &InboxState{}
	receipt, err := c.ask(ctx, inboxQuestion(inboxStatusEndpoint, token, "connected"), func(m members) (bool, string) {
		connected, ok := m["connected"].Bool()
		state.Connected = connected == "true"
		state.Provider, state.Email = m.text("provider"), m.text("email")
		return ok && connected != "", ""
	})
	if err != nil {
		return nil, err
	}
	state.Receipt = *receipt
	return state, nil
}

// InboxDisconnect gives access to a mailbox up. It is free.
func (c *Client) InboxDisconnect(ctx context.Context, token redact.Secret) (*Receipt, error) {
	return c.ask(ctx, inboxQuestion(inboxDisconnectEndpoint, token, "status"), hasStatus)
}

// inboxQuestion is a question about a mailbox, without fields.
func inboxQuestion(endpoint Endpoint, token redact.Secret, lacks string) question {
	var checks checks
	checks.given("x-inbox-token", token)
	return question{endpoint: endpoint, inboxToken: token, fault: checks.fault(), timeout: inboxTimeout, lacks: lacks}
}

// InboxQuery says which mails are asked for.
type InboxQuery struct {
	// Start and End are dates, YYYY-MM-DD, both inside. "" leaves them to the API: 30
	// days ago and today.
	Start, End string
	// CASTypes are among CASTypes; none means all.
	CASTypes []string
}

// Faults is what is wrong with the query, nothing when it can be sent.
func (q InboxQuery) Faults() []FieldFault {
	var checks checks
	checks.days("start_date", q.Start, "end_date", q.End, true)
	for i, one := range q.CASTypes {
		checks.oneOf("cas_types["+strconv.Itoa(i)+"]", one, CASTypes())
	}
	return checks
}

// InboxFile is a statement that came by mail. Its names may hold a PAN. Texts are ""
// where the API told nothing, or nothing readable.
type InboxFile struct {
	File
	MessageID        string
	OriginalFilename string
	MessageDate      time.Time // zero: unknown; without a zone it is read as Indian
	CASType          string
	SenderEmail      string
	Size             int64 // in bytes; 0: unknown
}

// InboxFiles are the statements that were found in a mailbox.
type InboxFiles struct {
	Files []InboxFile
	Receipt
}

// InboxFiles lists the statements in a mailbox, with links that are good for a day
// (see File.Expires). Each call takes a fifth of a credit, even if it finds nothing
// or fails.
func (c *Client) InboxFiles(ctx context.Context, token redact.Secret, query InboxQuery) (*InboxFiles, error) {
	q := inboxQuestion(inboxCASEndpoint, token, "list of files")
	q.fault = withDefault(q.fault, checks(query.Faults()).fault())
	q.timeout, q.acts, q.limit = inboxCASTimeout, true, maxFilesAnswer
	q.fields = struct {
		Start    string   `json:"start_date,omitzero"`
		End      string   `json:"end_date,omitzero"`
		CASTypes []string `json:"cas_types,omitempty"`
	}{query.Start, query.End, query.CASTypes}
	found := &InboxFiles{}
	began := time.Now()
	receipt, err := c.ask(ctx, q, func(m members) (bool, string) {
		for _, element := range m["files"].elements() {
			found.Files = append(found.Files, readInboxFile(membersOf([]byte(element)), began))
		}
		return isList(m["files"]), ""
	})
	if err != nil {
		return nil, err
	}
	found.Receipt = *receipt
	return found, nil
}

func readInboxFile(m members, now time.Time) InboxFile {
	file := InboxFile{
		File: readFile(m, now), MessageID: m.text("message_id"), OriginalFilename: m.text("original_filename"),
		CASType: m.text("cas_type"), SenderEmail: m.text("sender_email"),
	}
	file.MessageDate, _ = m["message_date"].instant()
	file.Size, _ = strconv.ParseInt(m.text("size"), 10, 64) // 0 where it is unreadable: only a hint
	return file
}
