package enqueuercli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"casflow/internal/casapi"
	"casflow/internal/config"
	"casflow/internal/jobs"
	"casflow/internal/retrieve"
	"casflow/internal/storage/objectstore"
)

type inboxCommand struct {
	Connect    inboxConnect    `cmd:"" help:"Have the owner of a mailbox give access to it; without cost."`
	Status     inboxStatus     `cmd:"" help:"Ask whether access to a mailbox still holds, without cost; it exits with 1 when it does not."`
	Import     inboxImport     `cmd:"" help:"Bring the statements of a mailbox into S3, record them and queue them; those that are there are not downloaded again. Asking the API for them costs 0.2 credits each time."`
	Disconnect inboxDisconnect `cmd:"" help:"Give access to a mailbox up, without cost."`
}

// inboxAccess are the settings of commands that need a connected mailbox.
type inboxAccess struct {
	API   config.APIAccess  `embed:""`
	Token config.InboxToken `embed:""`
	JSON  bool              `name:"json" help:"Write the result as JSON."`
}

// client makes the client that the settings name.
func (a *inboxAccess) client() (*casapi.Client, error) {
	if err := config.Validate(a.API, a.Token); err != nil {
		return nil, err
	}
	return (&accountAPI{API: a.API}).client()
}

// reconnectFault says what to do about a mailbox that is not connected any more.
func reconnectFault(err error) error {
	if errors.Is(err, casapi.ErrReconnect) {
		return fmt.Errorf("%w; connect it with: enqueuer inbox connect", err)
	}
	return err
}

type inboxStatus struct {
	inboxAccess `embed:""`
}

// errNotConnected ends a command that found a mailbox not to be connected.
var errNotConnected = errors.New("the mailbox is not connected; connect it with: enqueuer inbox connect")

func (c *inboxStatus) Run(ctx context.Context, console *console) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	token, err := c.Token.Secret()
	if err != nil {
		return config.Usage(err)
	}
	state, err := client.InboxStatus(ctx, token)
	if err != nil {
		return reconnectFault(err)
	}
	if c.JSON {
		err = console.json(struct {
			Connected bool   `json:"connected"`
			Provider  string `json:"provider"`
			Email     string `json:"email"`
		}{state.Connected, state.Provider, state.Email})
	} else if state.Connected {
		rows := newTable(console.out)
		rows.add("connected", "yes")
		rows.add("provider", told(state.Provider))
		rows.add("mailbox", told(state.Email))
		err = rows.flush()
	}
	if err == nil && !state.Connected {
		err = errNotConnected
	}
	return err
}

type inboxDisconnect struct {
	inboxAccess `embed:""`
}

func (c *inboxDisconnect) Run(ctx context.Context, console *console) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	token, err := c.Token.Secret()
	if err != nil {
		return config.Usage(err)
	}
	receipt, err := client.InboxDisconnect(ctx, token)
	if err != nil {
		return reconnectFault(err)
	}
	return console.receipt(receipt, c.JSON, "disconnected")
}

type inboxImport struct {
	fetching `embed:""`
	Token    config.InboxToken `embed:""`

	From  string   `placeholder:"DATE" help:"First day of the mails, as 2025-04-01; by default 30 days ago."`
	Until string   `placeholder:"DATE" help:"Last day of the mails; by default today."`
	Type  []string `sep:"," placeholder:"TYPE" help:"Whose statements: cdsl, nsdl, cams, kfintech, several with commas; by default all."`
}

func (c *inboxImport) query() casapi.InboxQuery {
	return casapi.InboxQuery{Start: c.From, End: c.Until, CASTypes: c.Type}
}

func (c *inboxImport) queryFaults() error {
	return fieldFaults(c.query().Faults(), map[string]string{"start_date": "--from", "end_date": "--until", "cas_types": "--type"})
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (c *inboxImport) Faults() error { return c.check(c.queryFaults(), c.Token.Faults()) }

func (c *inboxImport) Run(ctx context.Context, console *console) (err error) {
	token, err := c.Token.Secret()
	parts, shelf, client, err := c.reach(ctx, errors.Join(c.queryFaults(), err), "inbox/")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, parts.close()) }()
	// It is free, while listing a mailbox is billed also when the token is refused.
	state, err := client.InboxStatus(ctx, token)
	switch {
	case err != nil:
		return reconnectFault(err)
	case !state.Connected:
		return errNotConnected
	}
	found, err := client.InboxFiles(ctx, token, c.query())
	if err != nil {
		return reconnectFault(err)
	}
	mailbox := retrieve.Mailbox(state.Provider, state.Email)
	if state.Email == "" { // the API does not tell: better to bring all again after a new connection than to mix two up
		mailbox = retrieve.Mailbox("", token.Reveal())
	}
	sources := c.sources(client, shelf, mailbox, found.Files)
	remedy := fmt.Sprintf("record them with: enqueuer scan s3://%s/%s", shelf.Bucket, shelf.Prefix)
	if len(sources) == 0 && !c.JSON {
		return console.say("no files\n")
	}
	return c.bring(ctx, console, parts, sources, remedy)
}

// sources are the files of a mailbox, those first whose links end first.
func (c *inboxImport) sources(client *casapi.Client, shelf *retrieve.Shelf, mailbox string, files []casapi.InboxFile) []source {
	never := time.Now().AddDate(100, 0, 0)
	ends := func(f casapi.InboxFile) time.Time {
		if f.Expires.IsZero() {
			return never
		}
		return f.Expires
	}
	files = slices.Clone(files)
	slices.SortStableFunc(files, func(a, b casapi.InboxFile) int { return ends(a).Compare(ends(b)) })
	sources := make([]source, len(files))
	for n, key := range retrieve.MailKeys(mailbox, files) {
		file := files[n]
		sources[n] = source{
			name:  cmp.Or(file.Filename, file.OriginalFilename, file.MessageID, "a file without a name"),
			names: slices.DeleteFunc([]string{file.OriginalFilename, file.Filename, file.MessageID}, func(name string) bool { return name == "" }),
			bring: func(ctx context.Context) (objectstore.Info, error) {
				put := placer(func(ctx context.Context, pdf *jobs.Upload) (objectstore.Info, error) {
					return shelf.PutContent(ctx, pdf, file.Filename)
				})
				if key != "" {
					info, err := shelf.Find(ctx, key)
					if !errors.Is(err, fs.ErrNotExist) || c.DryRun {
						return info, err
					}
					put = func(ctx context.Context, pdf *jobs.Upload) (objectstore.Info, error) {
						return shelf.PutAs(ctx, pdf, key)
					}
				}
				if c.DryRun {
					return objectstore.Info{}, fs.ErrNotExist
				}
				return fetch(ctx, client, file.File, put)
			},
		}
	}
	return sources
}
