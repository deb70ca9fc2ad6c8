package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/sync/errgroup"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/samples"
)

// prefix is where in the bucket the demo's PDFs are.
const prefix = "cas/"

// uploaded is what was put into S3.
type uploaded struct {
	objects       int
	bytes         int64
	wrongPassword int // their manifest has a password that opens nothing
	notPDF        int
	failing       int // the API fails on them at first
	pan           string
}

// uploaders is how many objects are made and uploaded at once.
const uploaders = 4

// upload makes the samples, spoils a few, and puts them into S3, with a manifest
// of their passwords: of every 50, one has a wrong password and one is no PDF;
// the API stumbles over the fifth of all, twice.
func (s *stack) upload(ctx context.Context, options samples.Options) (uploaded, error) {
	var up uploaded
	var m manifest
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(uploaders)
	for sample := range samples.Generate(options) {
		content, err := sample.PDF()
		if err != nil {
			return uploaded{}, fmt.Errorf("make sample: %w", err)
		}
		password := sample.Password
		switch n := up.objects % 50; {
		case n == 17:
			password = "not-the-password"
			up.wrongPassword++
		case n == 33:
			content = []byte("<html>Your session has expired. Please log in again to download your statement.</html>")
			up.notPDF++
		case up.objects == 4:
			s.sandbox.FailDocument(sha256.Sum256(content), sandbox.Fault{Status: http.StatusInternalServerError, Times: 2})
			up.failing++
		}
		if up.pan == "" {
			up.pan = sample.PAN
		}
		up.objects++
		up.bytes += int64(len(content))
		m.add(sample.Filename, password)
		group.Go(func() error {
			_, err := s.store.Put(ctx, demoBucket, prefix+sample.Filename, bytes.NewReader(content), int64(len(content)), nil)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return uploaded{}, fmt.Errorf("upload samples: %w", err)
	}
	return up, m.write(s.manifest())
}

func (u uploaded) String() string {
	var notes []string
	note := func(n int, what string) {
		if n > 0 {
			notes = append(notes, fmt.Sprintf("%d %s", n, what))
		}
	}
	note(u.wrongPassword, "with a wrong password")
	note(u.notPDF, "no PDF")
	note(u.failing, "that the API fails on at first")
	text := fmt.Sprintf("%d statements, %.1f MB", u.objects, float64(u.bytes)/1e6)
	if len(notes) > 0 {
		text += " (" + strings.Join(notes, ", ") + ")"
	}
	return text
}
