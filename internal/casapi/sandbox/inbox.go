package sandbox

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"time"
)

const (
	connectLife   = 10 * time.Minute // of an oauth_url (the docs: some 600 s)
	inboxLinkLife = 24 * time.Hour   // the docs
	inboxSpan     = 30 * 24 * time.Hour

	// inboxHeader carries the token of a connected mailbox.
	inboxHeader = "X-Inbox-Token"
	// oauthPath is where an oauth_url leads.
	oauthPath = "/oauth/"
)

// mailbox is a mailbox that was connected.
type mailbox struct {
	account      *account
	provider     string
	email        string
	mails        []mailFile
	disconnected bool
}

// inboxConnect answers /v4/inbox/connect.
func (s *Sandbox) inboxConnect(c *visit) *answer {
	var fields struct {
		RedirectURI string `json:"redirect_uri"`
		State       string `json:"state"`
		Provider    string `json:"provider"`
	}
	if refused := readFields(c.request, &fields, badRequest); refused != nil {
		return refused
	}
	var faults faultList
	faults.check("redirect_uri", fields.RedirectURI, func(text string) bool {
		u, err := url.Parse(text)
		return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
	})
	if refused := faults.answer(); refused != nil {
		return refused
	}
	provider := fields.Provider
	if !slices.Contains([]string{"gmail", "outlook", "zoho"}, provider) {
		provider = "gmail" // as the docs have it
	}
	name := s.state.connect(connecting{
		account: c.account, redirect: fields.RedirectURI, state: fields.State, provider: provider,
		expires: s.clock().Add(connectLife),
	})
	return jsonAnswer(http.StatusOK, struct {
		Status    string `json:"status"`
		OAuthURL  string `json:"oauth_url"`
		ExpiresIn int    `json:"expires_in"`
		Provider  string `json:"provider"`
	}{"success", origin(c.request) + oauthPath + name, int(connectLife / time.Second), provider})
}

// inbox finds the mailbox of a call's token. Where there is none, or where it is
// disconnected and live is asked for, it answers as for a revoked token.
func (s *Sandbox) inbox(c *visit, live bool) (*mailbox, *answer) {
	name := c.request.Header.Get(inboxHeader)
	if name == "" {
		return nil, badRequest("Header required: x-inbox-token")
	}
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	box, ok := s.state.mailboxes[name]
	if !ok || box.account != c.account || live && box.disconnected {
		return nil, jsonAnswer(http.StatusUnauthorized, struct {
			Status    string `json:"status"`
			Msg       string `json:"msg"`
			Reconnect bool   `json:"requires_reconnect"`
		}{"error", "Inbox access was revoked or has expired. Please reconnect.", true})
	}
	return box, nil
}

// inboxStatus answers /v4/inbox/status.
func (s *Sandbox) inboxStatus(c *visit) *answer {
	if refused := readNothing(c.request, badRequest); refused != nil {
		return refused
	}
	box, refused := s.inbox(c, false)
	if refused != nil {
		return refused
	}
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	return jsonAnswer(http.StatusOK, struct {
		Status    string `json:"status"`
		Connected bool   `json:"connected"`
		Provider  string `json:"provider"`
		Email     string `json:"email"`
	}{"success", !box.disconnected, box.provider, box.email})
}

// inboxDisconnect answers /v4/inbox/disconnect.
func (s *Sandbox) inboxDisconnect(c *visit) *answer {
	if refused := readNothing(c.request, badRequest); refused != nil {
		return refused
	}
	box, refused := s.inbox(c, true)
	if refused != nil {
		return refused
	}
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	box.disconnected = true
	return jsonAnswer(http.StatusOK, notice{"success", "Inbox disconnected"})
}

// inboxFile is a file that came by mail, as the API lists it.
type inboxFile struct {
	MessageID        string `json:"message_id"`
	Filename         string `json:"filename"`
	OriginalFilename string `json:"original_filename"`
	MessageDate      string `json:"message_date"`
	CASType          string `json:"cas_type"`
	SenderEmail      string `json:"sender_email"`
	Size             int    `json:"size"`
	URL              string `json:"url"`
	ExpiresIn        int    `json:"expires_in"`
}

// inboxCAS answers /v4/inbox/cas, newest first. It is billed whatever it finds, once
// the request as such is good.
func (s *Sandbox) inboxCAS(c *visit) *answer {
	var fields struct {
		Start string   `json:"start_date"`
		End   string   `json:"end_date"`
		Types []string `json:"cas_types"`
	}
	if refused := readFields(c.request, &fields, badRequest); refused != nil {
		return refused
	}
	var faults faultList
	now := s.clock().UTC()
	start, end := now.Add(-inboxSpan).Truncate(24*time.Hour), now
	if fields.Start != "" {
		start = faults.day("start_date", fields.Start)
	}
	if fields.End != "" {
		end = faults.day("end_date", fields.End).Add(24*time.Hour - 1)
	}
	if end.Before(start) {
		faults.add("Invalid field: end_date is before start_date")
	}
	for _, one := range fields.Types {
		faults.check("cas_types", one, func(text string) bool { return slices.Contains(casTypes(), text) })
	}
	if refused := faults.answer(); refused != nil {
		return refused
	}
	box, refused := s.inbox(c, true)
	c.bill = c.request.Header.Get(inboxHeader) != ""
	if refused != nil {
		return refused
	}
	files := []inboxFile{} // not null when there are none
	for _, m := range s.mails(box) {
		if m.at.Before(start) || m.at.After(end) || len(fields.Types) > 0 && !slices.Contains(fields.Types, m.casType) {
			continue
		}
		files = append(files, inboxFile{
			MessageID: m.id, Filename: m.name, OriginalFilename: m.original, MessageDate: m.at.Format(time.RFC3339),
			CASType: m.casType, SenderEmail: m.sender, Size: len(m.pdf), URL: s.link(c.request, m.madeFile, inboxLinkLife),
			ExpiresIn: int(inboxLinkLife / time.Second),
		})
	}
	slices.SortStableFunc(files, func(a, b inboxFile) int { return cmp.Compare(b.MessageDate, a.MessageDate) })
	return jsonAnswer(http.StatusOK, struct {
		Status string      `json:"status"`
		Count  int         `json:"count"`
		Files  []inboxFile `json:"files"`
	}{"success", len(files), files})
}

// casTypes are the API's names for what comes by mail.
func casTypes() []string { return []string{"cdsl", "nsdl", "cams", "kfintech"} }
