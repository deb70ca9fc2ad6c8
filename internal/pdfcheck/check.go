package pdfcheck

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"

	"casflow/internal/redact"
)

// Verdict is what Check found.
type Verdict int

// The verdicts.
const (
	// Undecided means that the API must say: nothing is known, or not enough.
	Undecided Verdict = iota
	// Opens means that the candidate at Result.Index opens the PDF.
	Opens
	// Locked means that the PDF is encrypted and none of the candidates opens
	// it.
	Locked
)

// String names the verdict as in the constants, in lower case.
func (v Verdict) String() string {
	switch v {
	case Opens:
		return "opens"
	case Locked:
		return "locked"
	default:
		return "undecided"
	}
}

// NoPassword is the Index of a PDF that opens without a password: it is not
// encrypted, or its user password is empty.
const NoPassword = -1

// Result is the answer of Check.
type Result struct {
	Verdict Verdict
	// Index is the place of the password among the candidates where Verdict is
	// Opens, and NoPassword otherwise.
	Index int
}

// Limits bound what one check may cost.
type Limits struct {
	// Bytes is the size of a file above which it is Undecided unread. 0 means
	// the default. Defaults to 32 MiB.
	Bytes int64
	// Candidates is how many candidates are tried; with more the PDF is never
	// Locked. 0 means the default. Defaults to 64.
	Candidates int
}

// The defaults of Limits.
const (
	defaultBytes      = 32 << 20
	defaultCandidates = 64
)

// errUnsure is why a file is Undecided. Nobody sees which of the many reasons
// it was: the answer is the same.
var errUnsure = errors.New("the file does not say how it is encrypted")

// Check says whether one of the candidates opens the PDF of that size, as user
// or as owner password. It never fails: whatever goes wrong (an unreadable or
// broken file, a limit, a panic of the PDF library, the end of ctx) makes the
// PDF Undecided. It starts no goroutine and is safe for concurrent use if
// reading pdf is.
func Check(
	ctx context.Context, pdf io.ReaderAt, size int64, candidates []redact.Secret, limits Limits,
) (result Result) {
	defer func() {
		if recover() != nil { // no broken file is worth more than its own document
			result = Result{Undecided, NoPassword}
		}
	}()
	if limits.Bytes <= 0 {
		limits.Bytes = defaultBytes
	}
	if limits.Candidates <= 0 {
		limits.Candidates = defaultCandidates
	}
	if size <= 0 || size > limits.Bytes {
		return Result{Undecided, NoPassword}
	}
	scheme, err := open(ctx, file{pdf, size})
	switch {
	case err != nil:
		return Result{Undecided, NoPassword}
	case scheme == nil:
		return Result{Opens, NoPassword}
	}
	return scheme.try(ctx, candidates, limits.Candidates)
}

// open reads how the file is encrypted; nil means that it is not.
func open(ctx context.Context, f file) (*scheme, error) {
	trailer, err := f.trailer(ctx)
	if err != nil {
		return nil, err
	}
	entry, encrypted := trailer.Find("Encrypt")
	if !encrypted {
		// A trailer that an update wrote may have lost the entry.
		found, err := f.find(ctx, "/Encrypt", 0, 1, false)
		if err != nil || len(found) > 0 {
			return nil, errUnsure
		}
		return nil, nil //nolint:nilnil // documented above
	}
	var dictionary types.Dict
	switch entry := entry.(type) {
	case types.Dict:
		dictionary = entry
	case types.IndirectRef:
		dictionary, err = f.object(ctx, entry.ObjectNumber.Value(), entry.GenerationNumber.Value())
	default:
		err = errUnsure
	}
	if err != nil {
		return nil, err
	}
	return newScheme(dictionary, trailer)
}

// try tries the first candidate as the user's password, which is what nearly all statements
// are sent with, then none, then all candidates in their order. None is tried as the
// user's only: the API is not expected to try nothing as the owner's.
func (s *scheme) try(ctx context.Context, candidates []redact.Secret, most int) Result {
	sure := s.byTheBook && len(candidates) <= most
	candidates = candidates[:min(most, len(candidates))]
	fits := func(candidate redact.Secret, as func(string) bool) bool {
		return slices.ContainsFunc(s.encodings(candidate.Reveal()), as)
	}
	if len(candidates) > 0 && candidates[0] != "" && fits(candidates[0], s.user) {
		return Result{Opens, 0}
	}
	if s.user("") {
		return Result{Opens, NoPassword}
	}
	for i, candidate := range candidates {
		if ctx.Err() != nil {
			return Result{Undecided, NoPassword}
		}
		if i > 0 && fits(candidate, s.user) || fits(candidate, s.owner) {
			return Result{Opens, i}
		}
		// Writers of PDFs do not agree on the bytes of other characters.
		sure = sure && printableASCII(candidate.Reveal())
	}
	if ctx.Err() != nil || !sure {
		return Result{Undecided, NoPassword}
	}
	return Result{Locked, NoPassword}
}

func printableASCII(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}
