package enqueuercli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"casflow/internal/casapi"
	"casflow/internal/config"
	"casflow/internal/jobs"
	"casflow/internal/retrieve"
	"casflow/internal/storage/objectstore"
)

// fetching are the settings that commands share which bring PDFs by the API's links.
type fetching struct {
	bringing  `embed:""`
	API       config.APIAccess `embed:""`
	FileHosts config.FileHosts `embed:""`
}

// check is what makes no sense, besides further faults; nil when all does.
func (f *fetching) check(further ...error) error {
	return f.bringing.check(append(further, f.API.Faults(), f.FileHosts.Faults())...)
}

// reach connects to all that is needed, as open does, and makes the client that the
// settings name.
func (f *fetching) reach(ctx context.Context, faults error, folder string) (*connections, *retrieve.Shelf, *casapi.Client, error) {
	parts, shelf, err := f.open(ctx, errors.Join(faults, f.API.Faults(), f.FileHosts.Faults()), folder)
	if err != nil {
		return nil, nil, nil, err
	}
	key, err := f.API.KeySource()
	var client *casapi.Client
	if err == nil {
		client, err = casapi.New(casapi.Config{
			BaseURL: f.API.BaseURL, APIKey: key, UserAgent: "casflow/" + config.Version(), FileHosts: f.FileHosts.Hosts,
		})
	}
	if err != nil {
		return nil, nil, nil, errors.Join(err, parts.close())
	}
	return parts, shelf, client, nil
}

// placer puts a PDF where it belongs.
type placer func(context.Context, *jobs.Upload) (objectstore.Info, error)

// fetch downloads a file of the API to S3, where put says.
func fetch(ctx context.Context, client *casapi.Client, file casapi.File, put placer) (_ objectstore.Info, err error) {
	pdf, err := retrieve.Fetcher{API: client}.Fetch(ctx, file)
	switch {
	case errors.Is(err, casapi.ErrNotFound):
		return objectstore.Info{}, fmt.Errorf("%w; its link is over: ask for the files anew", err)
	case err != nil:
		return objectstore.Info{}, unfitFault(err)
	}
	defer func() { err = errors.Join(err, pdf.Close()) }()
	return put(ctx, pdf)
}

// fieldIndex is the place of a value in a field that has several.
var fieldIndex = regexp.MustCompile(`\[\d+\]$`)

// fieldFaults says what is wrong with a request by where its fields come from: flags
// and variables, by the API's names of the fields. Other fields are left out.
func fieldFaults(faults []casapi.FieldFault, from map[string]string) error {
	var pairs []string
	for field, name := range from {
		pairs = append(pairs, field, name)
	}
	words := strings.NewReplacer(pairs...)
	var errs []error
	for _, f := range faults {
		if name := from[fieldIndex.ReplaceAllString(f.Field, "")]; name != "" {
			errs = append(errs, fmt.Errorf("%s: %s", name, words.Replace(f.Fault)))
		}
	}
	return errors.Join(errs...)
}

// receipt writes what the API says of something that was done; otherwise is for where
// it says nothing.
func (c *console) receipt(receipt *casapi.Receipt, asJSON bool, otherwise string) error {
	message := cmp.Or(receipt.Message, otherwise)
	if asJSON {
		return c.json(struct {
			Message     string  `json:"message"`
			RequestID   string  `json:"request_id"`
			CreditsUsed *string `json:"credits_used"`
		}{message, receipt.RequestID, known(receipt.CreditsUsed)})
	}
	return c.say("%s\n", message)
}
