package sandbox

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"casflow/internal/samples"
)

// MailboxPAN is the PAN of the person whose mailbox is connected: it opens every
// statement in it.
const MailboxPAN = "ZZZPZ0000Z"

// mailboxEmail is the address of that person.
const mailboxEmail = "investor@example.invalid"

// state is what the sandbox remembers of calls that belong together.
type state struct {
	mu         sync.Mutex
	mailbacks  []Mailback
	sessions   map[string]session
	connecting map[string]connecting
	mailboxes  map[string]*mailbox // by inbox token
	links      map[string]linked
}

func newState() *state {
	return &state{
		sessions: map[string]session{}, connecting: map[string]connecting{}, mailboxes: map[string]*mailbox{},
		links: map[string]linked{},
	}
}

// connecting is a mailbox whose owner is asked for permission.
type connecting struct {
	account                   *account
	redirect, state, provider string
	expires                   time.Time
}

func (s *state) connect(c connecting) (name string) {
	name = rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.connecting[name] = c
	return name
}

// consent answers a GET of an oauth_url: the owner of the mailbox agrees at once,
// or refuses where the query has deny, and is sent to the redirect_uri. It works
// once.
func (s *Sandbox) consent(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, oauthPath)
	s.state.mu.Lock()
	asked, ok := s.state.connecting[name]
	delete(s.state.connecting, name)
	s.state.mu.Unlock()
	if !ok || !s.clock().Before(asked.expires) {
		http.Error(w, "This link has expired", http.StatusGone)
		return
	}
	back, err := url.Parse(asked.redirect)
	if err != nil {
		http.Error(w, "Bad redirect_uri", http.StatusBadRequest)
		return
	}
	query := back.Query()
	if asked.state != "" {
		query.Set("state", asked.state)
	}
	if r.URL.Query().Has("deny") {
		query.Set("error", "access_denied")
	} else {
		query.Set("inbox_token", s.newMailbox(asked.account, asked.provider))
		query.Set("email", mailboxEmail)
	}
	back.RawQuery = query.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

// ConnectInbox connects a mailbox of the account of Config.Key and returns its
// token, as the way over oauth_url does.
func (s *Sandbox) ConnectInbox(provider string) (token string) {
	return s.newMailbox(&s.ledger.own, provider)
}

// RevokeInbox makes an inbox token unknown.
func (s *Sandbox) RevokeInbox(token string) {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	delete(s.state.mailboxes, token)
}

// Deliver puts a mail with a PDF into a mailbox, and returns its message id.
func (s *Sandbox) Deliver(token, casType string, pdf []byte) (messageID string) {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	box := s.state.mailboxes[token]
	m := newMail(casType, "statement.pdf", pdf, s.clock().UTC())
	box.mails = append(box.mails, m)
	return m.id
}

func (s *Sandbox) newMailbox(of *account, provider string) (token string) {
	token = "it_" + rand.Text()
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	s.state.mailboxes[token] = &mailbox{
		account: of, provider: provider, email: mailboxEmail, mails: sampleMails(s.clock().UTC()),
	}
	return token
}

// mails are the files in a mailbox.
func (s *Sandbox) mails(box *mailbox) []mailFile {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	return slices.Clone(box.mails)
}

// mailFile is a file that came by mail.
type mailFile struct {
	madeFile
	id, casType, original, sender string
	at                            time.Time
}

// newMail is named as the API names files: provider_date_id.pdf.
func newMail(casType, original string, pdf []byte, at time.Time) mailFile {
	sum := sha256.Sum256(append([]byte(casType+original+at.Format(time.RFC3339Nano)), pdf...))
	id := hex.EncodeToString(sum[:8])
	return mailFile{
		madeFile: madeFile{name: fmt.Sprintf("%s_%s_%s.pdf", casType, at.Format(time.DateOnly), id), pdf: pdf},
		id:       id, casType: casType, original: original, sender: casType + "@example.invalid", at: at,
	}
}

// sampleMails are the statements of one person: of the last weeks, and one that is
// older than what is listed by default.
func sampleMails(now time.Time) []mailFile {
	// Two months of CDSL, NSDL and the registrars each, in this order.
	wanted := map[int]string{0: "cdsl", 2: "nsdl", 4: "cams", 5: "kfintech"}
	ages := map[string]int{"cdsl": 2, "nsdl": 5, "cams": 9, "kfintech": 45} // in days
	var mails []mailFile
	n := -1
	for sample := range samples.Generate(samples.Options{
		Investors: 3, Months: 2, Seed: 20, MinBytes: smallestMade, MaxBytes: largestMade, PAN: MailboxPAN,
	}) {
		n++
		casType, ok := wanted[n]
		if !ok {
			continue
		}
		pdf, err := sample.PDF()
		if err != nil { // only a sample that was not made by Generate has none
			panic("sandbox: " + err.Error())
		}
		at := now.AddDate(0, 0, -ages[casType]).Truncate(time.Second)
		mails = append(mails, newMail(casType, sample.Filename, pdf, at))
	}
	return mails
}
