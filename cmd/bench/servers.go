package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/rpc"
	"os"
	"slices"
	"strings"
	"time"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/devstack"
	"casflow/internal/samples"
)

// servers are the S3 server and the stand-in API of a row: a process of their own,
// so that what they take of processor and memory is not the programs'. The bench
// asks it by net/rpc, over its standard input and output.
type servers struct {
	ctx   context.Context //nolint:containedctx // the lifetime of the process
	s3    *devstack.S3
	api   *sandbox.Sandbox
	large *devstack.LargeDocuments
}

// apiKey is what the stand-in takes.
const apiKey = "bench-key"

// actAsServers answers the bench until it hangs up.
func actAsServers(ctx context.Context) error {
	peer := rpc.NewServer()
	if err := peer.RegisterName("Servers", &servers{ctx: ctx}); err != nil {
		return fmt.Errorf("serve bench: %w", err)
	}
	peer.ServeConn(stdio{os.Stdin, os.Stdout})
	return nil
}

// stdio is the connection with the bench.
type stdio struct {
	io.Reader
	io.Writer
}

func (stdio) Close() error { return nil } // ends with the process

// APIConfig says how the stand-in API behaves.
type APIConfig struct {
	RatePerMinute int // 0: no limit
	Latency       time.Duration
}

// Endpoints say where the servers are.
type Endpoints struct{ S3, Region, AccessKey, SecretKey, API string }

// Start starts the servers.
func (s *servers) Start(c APIConfig, at *Endpoints) error {
	var err error
	if s.s3, err = devstack.StartS3(s.ctx); err != nil {
		return err
	}
	s.api = sandbox.New(sandbox.Config{Key: apiKey, Credits: -1, RatePerMinute: c.RatePerMinute, Latency: c.Latency})
	api, err := devstack.ServeHTTP(s.ctx, "127.0.0.1:0", s.api)
	if err != nil {
		return err
	}
	*at = Endpoints{S3: s.s3.Endpoint, Region: s.s3.Region, AccessKey: s.s3.AccessKey, SecretKey: s.s3.SecretKey.Reveal(), API: api.URL}
	return nil
}

// Statements are PDFs to be made, in a bucket of their own.
type Statements struct {
	Bucket                 string
	Count                  int
	Seed                   uint64
	Holdings, Transactions int // of each answer
	PDFBytes               int // about
}

// Put puts the statements into S3, as in/NUMBER-PASSWORD.pdf, and lets the API know
// them. The PDFs are one, each time with another number behind its end.
func (s *servers) Put(o Statements, _ *bool) error {
	pdf, password, err := statementPDF(o.Seed, o.PDFBytes)
	if err != nil {
		return err
	}
	var objects iter.Seq2[string, []byte] = func(yield func(string, []byte) bool) {
		n := 0
		options := samples.Options{Investors: o.Count, Seed: o.Seed, Holdings: o.Holdings, Transactions: o.Transactions}
		for sample := range samples.Generate(options) {
			content := slices.Concat(pdf, []byte("%"+o.Bucket+"\n"+devstack.Mark(n)))
			s.api.Know(sha256.Sum256(content), password, sample.Answer)
			if !yield(fmt.Sprintf("in/%08d-%s.pdf", n, password), content) {
				return
			}
			n++
		}
	}
	return s.s3.FillWith(s.ctx, o.Bucket, objects)
}

// Objects are objects of one byte, to be listed.
type Objects struct {
	Bucket string
	Count  int
}

// Fill puts them into S3.
func (s *servers) Fill(o Objects, _ *bool) error {
	return s.s3.Fill(s.ctx, o.Bucket, func(yield func(string) bool) {
		for n := range o.Count {
			if !yield(fmt.Sprintf("in/2026-05/statement-%08d.pdf", n)) {
				return
			}
		}
	})
}

// AwaitCalls returns when n parse calls in all have begun.
func (s *servers) AwaitCalls(n int, _ *bool) error { return s.api.AwaitCalls(s.ctx, n) }

// Call is a parse call as the API saw it.
type Call struct {
	At     time.Time
	Status int
}

// Calls are all parse calls so far, in order of arrival.
func (s *servers) Calls(_ bool, calls *[]Call) error { //nolint:unparam // as net/rpc wants it
	for _, call := range s.api.Calls() {
		*calls = append(*calls, Call{call.At, call.Status})
	}
	return nil
}

// Large are documents that S3 and the API keep nothing of.
type Large struct {
	Count, Bytes int
	Thinks       time.Duration
}

// LargeAt is where they are, and the password of all.
type LargeAt struct{ S3, API, Password string }

// StartLarge starts an S3 server and an API of their own for them.
func (s *servers) StartLarge(o Large, at *LargeAt) (err error) {
	if s.large, err = devstack.StartLargeDocuments(s.ctx, o.Count, o.Bytes, o.Thinks); err != nil {
		return err
	}
	*at = LargeAt{S3: s.large.S3URL, API: s.large.APIURL, Password: s.large.Password}
	return nil
}

// AwaitLarge returns when one of them is being called for, or all are.
func (s *servers) AwaitLarge(all bool, _ *bool) error {
	reached := s.large.FirstUnderWay()
	if all {
		reached = s.large.AllUnderWay()
	}
	select {
	case <-reached:
		return nil
	case <-s.ctx.Done():
		return errors.New("told to stop")
	}
}

// AnswerLarge lets their calls be answered.
func (s *servers) AnswerLarge(_ bool, _ *bool) error { //nolint:unparam // as net/rpc wants it
	s.large.Answer()
	return nil
}

// passwordOf reads the password in the key of an object.
func passwordOf(key string) string {
	_, password, _ := strings.Cut(key, "-")
	return strings.TrimSuffix(password, ".pdf")
}
