package enqueuercli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"casflow/internal/jobs"
	"casflow/internal/retrieve"
	"casflow/internal/storage"
	"casflow/internal/storage/objectstore"
)

type uploadCommand struct {
	bringing `embed:""`

	Files []string `arg:"" name:"FILE" help:"PDFs on this machine."`
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (c *uploadCommand) Faults() error { return c.check() }

func (c *uploadCommand) Run(ctx context.Context, console *console) (err error) {
	parts, shelf, err := c.open(ctx, nil, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, parts.close()) }()
	sources := make([]source, len(c.Files))
	for n, file := range c.Files {
		sources[n] = source{name: file, names: []string{filepath.ToSlash(file)}, bring: func(ctx context.Context) (objectstore.Info, error) {
			return c.upload(ctx, shelf, file)
		}}
	}
	return c.bring(ctx, console, parts, sources, "run the same command again")
}

// upload puts a file into S3. It is copied on the way, so that what is put is what was
// looked at, whatever becomes of the file meanwhile.
func (c *uploadCommand) upload(ctx context.Context, shelf *retrieve.Shelf, file string) (_ objectstore.Info, err error) {
	pdf, err := readLocal(file)
	if err != nil {
		return objectstore.Info{}, err
	}
	defer func() { err = errors.Join(err, pdf.Close()) }()
	if c.DryRun {
		return shelf.FindContent(ctx, pdf)
	}
	return shelf.PutContent(ctx, pdf, filepath.Base(file))
}

// readLocal copies a PDF of this machine and checks it.
func readLocal(name string) (_ *jobs.Upload, err error) {
	switch info, err := os.Stat(name); {
	case err != nil:
		return nil, localFault(err)
	case info.IsDir():
		return nil, errors.New("is a directory; name the files in it, as in DIRECTORY/*.pdf")
	case !info.Mode().IsRegular():
		return nil, errors.New("is no regular file; name a PDF")
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, localFault(err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	pdf, err := jobs.ReceiveUpload(file)
	return pdf, unfitFault(err)
}

// unfitFault says what is wrong with a file that is none for the API, and what to do.
func unfitFault(err error) error {
	unfit, ok := errors.AsType[*jobs.UnfitError](err)
	switch {
	case !ok:
		return err
	case unfit.Reason == storage.ReasonTooLarge:
		return fmt.Errorf("is larger than %d MiB, which the API does not take", jobs.MaxPDFBytes>>20)
	default:
		return errors.New("is empty, or does not start like a PDF (%PDF-); give the statement as it was sent out")
	}
}

// localFault says what to do about a file that cannot be opened. Its name has been
// said. It does not match fs.ErrNotExist, which is said of objects.
func localFault(err error) error {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		return errors.New("cannot be read: " + at.Err.Error() + "; check its name and that this program may read it")
	}
	return err
}
