package retrieve

import (
	"context"
	"errors"
	"io"
	"time"

	"casflow/internal/casapi"
	"casflow/internal/jobs"
)

const (
	// fetchTries is how often a file is asked for: a download costs nothing and changes
	// nothing, unlike the calls that its link came from.
	fetchTries = 3
	fetchPause = 500 * time.Millisecond // before the second try; it doubles
	// maxFetchPause bounds the wait that a file's host asks for.
	maxFetchPause = time.Minute
)

// downloader is the part of casapi.Client that files come by. Which hosts a link may
// lead to is its to say: those of the API by https, that of its base URL, and those that
// the operator names. Private addresses are not refused besides, as they are for
// callbacks: there a stranger chooses the host, here the API does or the operator, and
// who could turn a name to an address inside has no certificate for it.
type downloader interface {
	Download(ctx context.Context, file casapi.File, into io.Writer) (int64, error)
}

// Fetcher downloads the API's files.
type Fetcher struct{ API downloader }

// Fetch downloads a file to this machine's disk and checks it as a worker would. What
// breaks off is begun anew some times. Errors are *casapi.Error (ErrNotFound for a link
// that is over) and those of jobs.ReceiveUpload; none tells the link.
func (f Fetcher) Fetch(ctx context.Context, file casapi.File) (*jobs.Upload, error) {
	pause := fetchPause
	for try := 1; ; try++ {
		pdf, err := f.once(ctx, file)
		if try == fetchTries || !errors.Is(err, casapi.ErrUnavailable) && !errors.Is(err, casapi.ErrRateLimited) {
			return pdf, err
		}
		asked := pause
		if failure, ok := errors.AsType[*casapi.Error](err); ok && failure.HasRetryAfter {
			asked = min(max(pause, failure.RetryAfter), maxFetchPause)
		}
		if wait(ctx, asked) != nil {
			return nil, err
		}
		pause *= 2
	}
}

// once is one download.
func (f Fetcher) once(ctx context.Context, file casapi.File) (*jobs.Upload, error) {
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		_, err := f.API.Download(ctx, file, writer)
		_ = writer.CloseWithError(err) // never fails; nil is the end of the file
		ended <- err
	}()
	pdf, err := jobs.ReceiveUpload(reader)
	_ = reader.Close() // never fails; a download that is not wanted any more ends with it
	failed := <-ended
	if failure, ok := errors.AsType[*casapi.Error](failed); ok {
		if pdf != nil {
			failed = errors.Join(failure, pdf.Close())
		}
		return nil, failed
	}
	return pdf, err
}
