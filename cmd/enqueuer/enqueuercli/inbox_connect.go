package enqueuercli

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"casflow/internal/casapi"
	"casflow/internal/config"
	"casflow/internal/redact"
)

const (
	// consentTime is how long the owner of a mailbox has, where the API does not tell.
	consentTime = 10 * time.Minute
	// consentGrace is how long the owner's browser has for the last page.
	consentGrace = 5 * time.Second
)

type inboxConnect struct {
	API config.APIAccess `embed:""`

	TokenTo     string `name:"token-to" placeholder:"FILE" help:"Wait here for the owner to come back, and put the mailbox's token into this file."`
	Listen      string `default:"127.0.0.1:0" placeholder:"HOST:PORT" help:"Where to wait for the owner's browser, with --token-to: a loopback address, port 0 is a free one."`
	RedirectURI string `name:"redirect-uri" placeholder:"URL" help:"Send the owner to a service of yours instead, which then gets inbox_token, email and state, or error and state."`
	State       string `help:"What comes back to that service as it is."`
	Provider    string `placeholder:"PROVIDER" help:"Mail service: gmail, outlook or zoho; the API's default is gmail."`
	JSON        bool   `name:"json" help:"Write the result as JSON."`
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (c *inboxConnect) Faults() error {
	faults := []error{c.API.Faults()}
	switch {
	case (c.TokenTo == "") == (c.RedirectURI == ""):
		faults = append(faults, errors.New("give one of --token-to (wait here for the owner of the mailbox) and --redirect-uri (a service of yours waits)"))
	case c.TokenTo != "" && c.State != "":
		faults = append(faults, errors.New("--state is for the service at --redirect-uri; leave it out with --token-to"))
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && !ip.IsLoopback() {
		faults = append(faults, errors.New("--listen: is no loopback address with its port; give it as 127.0.0.1:PORT, because a token comes this way"))
	}
	request := casapi.InboxConnectRequest{RedirectURI: c.RedirectURI, Provider: c.Provider}
	if c.RedirectURI == "" {
		request.RedirectURI = "http://127.0.0.1/" // of the kind that will be made
	}
	faults = append(faults, fieldFaults(request.Faults(), map[string]string{"redirect_uri": "--redirect-uri", "provider": "--provider"}))
	return errors.Join(faults...)
}

// Run writes the address of the page where access is given: that is what it is asked
// for.
func (c *inboxConnect) Run(ctx context.Context, console *console) error {
	if err := config.Validate(c); err != nil {
		return err
	}
	client, err := (&accountAPI{API: c.API}).client()
	if err != nil {
		return err
	}
	if c.TokenTo != "" {
		return c.receive(ctx, console, client)
	}
	connection, err := client.InboxConnect(ctx, casapi.InboxConnectRequest{RedirectURI: c.RedirectURI, State: c.State, Provider: c.Provider})
	if err != nil {
		return err
	}
	if c.JSON {
		return console.json(struct {
			OAuthURL  string     `json:"oauth_url"`
			ExpiresAt *time.Time `json:"expires_at"`
			Provider  string     `json:"provider"`
		}{connection.OAuthURL.Reveal(), moment(connection.Expires.UTC().Truncate(time.Second)), connection.Provider})
	}
	return console.say("%s\n", connection.OAuthURL.Reveal())
}

// consent is what the owner of a mailbox came back with.
type consent struct {
	token redact.Secret
	email string
	err   error
}

// receive waits for the owner of the mailbox and keeps the token.
func (c *inboxConnect) receive(ctx context.Context, console *console, client *casapi.Client) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("wait for the owner of the mailbox (--listen): %w", err)
	}
	state := rand.Text()
	came := make(chan consent, 1)
	server := &http.Server{Handler: consentPage(state, came), ReadHeaderTimeout: consentGrace}
	go func() { _ = server.Serve(listener) }() // ends with the server
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), consentGrace)
		defer cancel()
		_ = server.Shutdown(ctx) // whoever is still reading has had the time
	}()
	connection, err := client.InboxConnect(ctx, casapi.InboxConnectRequest{
		RedirectURI: "http://" + listener.Addr().String() + "/", State: state, Provider: c.Provider,
	})
	if err != nil {
		return err
	}
	if err := console.note("let the owner of the mailbox open this address, in a browser on this machine: %s", connection.OAuthURL.Reveal()); err != nil {
		return err
	}
	limit := consentTime
	if !connection.Expires.IsZero() {
		limit = time.Until(connection.Expires)
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	var given consent
	err = replaceFile(c.TokenTo, func(w io.Writer) error { // made before the token is there, so that it is not lost for want of a file
		select {
		case given = <-came:
		case <-timer.C:
			return errors.New("nobody came back in time; run the command again")
		case <-ctx.Done():
			return ctx.Err()
		}
		if given.err != nil {
			return given.err
		}
		if _, err := io.WriteString(w, given.token.Reveal()+"\n"); err != nil {
			return fmt.Errorf("write token: %w", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return console.json(struct {
			TokenFile string `json:"token_file"`
			Email     string `json:"email"`
			Provider  string `json:"provider"`
		}{c.TokenTo, given.email, connection.Provider})
	}
	return console.say("connected %s; its token is in %s\n", told(given.email), c.TokenTo)
}

// consentPage takes the owner of a mailbox back, once. It takes nobody who does not
// know the state.
func consentPage(state string, came chan<- consent) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The address of this page holds the token.
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("Cache-Control", "no-store")
		query := r.URL.Query()
		if r.URL.Path != "/" || subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(state)) != 1 {
			http.NotFound(w, r)
			return
		}
		given := consent{token: redact.Secret(query.Get("inbox_token")), email: query.Get("email")}
		page := "The mailbox is connected. You may close this page.\n"
		if given.token == "" {
			given.err = fmt.Errorf("access was not given (%q); run the command again", query.Get("error"))
			page = "Access was not given. You may close this page.\n"
		}
		select {
		case came <- given:
		default: // a page that is loaded again
		}
		_, _ = io.WriteString(w, page) // a browser that is gone does not need it
	})
}
