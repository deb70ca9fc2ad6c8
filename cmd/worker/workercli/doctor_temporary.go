package workercli

import (
	"errors"
	"os"
)

// largestPDF is what a document may take on disk while it is worked on, in bytes:
// the largest that the API takes.
const largestPDF = 10 << 20

// checkTemporary looks whether the PDFs of as many tasks as run at once can be
// written into dir.
func checkTemporary(dir string, concurrency int) []finding {
	if err := tryWriting(dir); err != nil {
		return []finding{bad(levelFail, "tmpdir", "make it writable, or set TMPDIR", "%v", err)}
	}
	free, err := freeBytes(dir)
	if err != nil {
		return []finding{bad(levelWarn, "tmpdir", "make sure that it has room", "%s can be written to, but its room cannot be read: %v", dir, err)}
	}
	return []finding{roomFinding(dir, free, int64(max(concurrency, 1))*largestPDF)}
}

// tryWriting writes a file and removes it.
func tryWriting(dir string) error {
	file, err := os.CreateTemp(dir, "casflow-doctor-*")
	if err != nil {
		return err //nolint:wrapcheck // names what was tried and the path
	}
	_, err = file.WriteString("%PDF-")
	return errors.Join(err, file.Close(), os.Remove(file.Name()))
}

func roomFinding(dir string, free, need int64) finding {
	const found = "%s has %s free, of which documents take up to %s"
	if free < need {
		return bad(levelWarn, "tmpdir", "make room, or set TMPDIR or a lower CASFLOW_CONCURRENCY", found, dir, megabytes(free), megabytes(need))
	}
	return good("tmpdir", found, dir, megabytes(free), megabytes(need))
}
