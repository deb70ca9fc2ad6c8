package jobs

import (
	"crypto/sha256"
	"io"

	"casflow/internal/storage"
)

// Upload is a PDF that somebody sends, on this machine's disk, in a file that has no
// name any more and so vanishes with the process. Close it.
type Upload struct{ pdf *pdf }

// UnfitError means that what was sent would only die, of the given reason.
type UnfitError struct {
	Reason storage.Reason
	Err    error
}

// Error says why.
func (e *UnfitError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *UnfitError) Unwrap() error { return e.Err }

// ReceiveUpload copies a PDF to disk, however large it claims to be no more than the
// API takes, and checks it as a worker would. An error is an *UnfitError, or one of
// reading or writing.
func ReceiveUpload(body io.Reader) (*Upload, error) {
	file, err := receive(body, -1, nil)
	if err != nil {
		if v := judge(err); v.action == actBury {
			return nil, &UnfitError{Reason: v.reason, Err: err}
		}
		return nil, err
	}
	return &Upload{pdf: file}, nil
}

// Size is in bytes.
func (u *Upload) Size() int64 { return u.pdf.size }

// SHA256 is of the content.
func (u *Upload) SHA256() [sha256.Size]byte { return u.pdf.sum }

// Body reads the PDF from its start.
func (u *Upload) Body() io.ReadSeeker { return io.NewSectionReader(u.pdf.content, 0, u.pdf.size) }

// Close lets go of the file.
func (u *Upload) Close() error { return u.pdf.Close() }
