package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"casflow/internal/devstack"
)

// actAsCaller is the floor of calls in flight: a program that makes them all at once,
// each by one goroutine and net/http, and nothing else. All but the first begin when it is
// told to, by a line on its standard input, and its PDFs are one file on disk.
func actAsCaller(ctx context.Context, args []string) error {
	if len(args) != 4 {
		return errors.New("caller: expected URL, number of calls, way and bytes")
	}
	url, way := args[0], args[2]
	calls, err := strconv.Atoi(args[1])
	if err != nil {
		return fmt.Errorf("caller: %w", err)
	}
	size, err := strconv.Atoi(args[3])
	if err != nil {
		return fmt.Errorf("caller: %w", err)
	}
	file, err := os.CreateTemp("", "casflow-bench-")
	if err != nil {
		return fmt.Errorf("caller: %w", err)
	}
	defer func() { _ = file.Close() }()
	if err := errors.Join(os.Remove(file.Name()), file.Truncate(int64(size))); err != nil {
		return fmt.Errorf("caller: %w", err)
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: calls, DisableCompression: true}}
	faults := make([]error, calls)
	var group sync.WaitGroup
	for n := range calls {
		if n == 1 {
			if _, err := os.Stdin.Read(make([]byte, 1)); err != nil {
				return fmt.Errorf("caller: %w", err)
			}
		}
		group.Go(func() {
			request, err := barely(ctx, url, way, n, io.NewSectionReader(file, 0, int64(size)))
			if err == nil {
				_, err = receive(client, request)
			}
			faults[n] = err
		})
	}
	group.Wait()
	return errors.Join(faults...)
}

// barely is the request of call n.
func barely(ctx context.Context, url, way string, n int, pdf *io.SectionReader) (*http.Request, error) {
	body, kind, length := io.Reader(nil), "application/json", int64(0)
	if way == "url" {
		text := fmt.Sprintf(`{"pdf_url":"http://localhost/in/%08d-A.pdf"}`, n)
		body, length = strings.NewReader(text), int64(len(text))
	} else {
		head, tail := "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n", "%%EOF\n"+devstack.Mark(n)+"\r\n--b--\r\n"
		body, length = io.MultiReader(strings.NewReader(head), pdf, strings.NewReader(tail)), int64(len(head)+len(tail))+pdf.Size()
		kind = "multipart/form-data; boundary=b"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v4/smart/parse", body) //nolint:gosec // the bench's own
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	request.ContentLength = length
	request.Header.Set("Content-Type", kind)
	return request, nil
}

// heldBarely is held for the bare caller.
func (s *stand) heldBarely(ctx context.Context, large Large, way string) (m memory, err error) {
	var at LargeAt
	if err := s.ask(ctx, "StartLarge", large, &at); err != nil {
		return memory{}, err
	}
	command, err := self(ctx, "caller", at.API, strconv.Itoa(large.Count), way, strconv.Itoa(large.Bytes))
	if err != nil {
		return memory{}, err
	}
	in, err := command.StdinPipe()
	if err != nil {
		return memory{}, fmt.Errorf("start caller: %w", err)
	}
	var output bytes.Buffer
	command.Stderr = &output
	caller := &running{name: "caller", began: time.Now()}
	if caller.Program, err = devstack.StartProgram(command); err != nil {
		return memory{}, err
	}
	defer func() {
		if ended := caller.Wait(ctx); ended != nil && err == nil {
			err = fmt.Errorf("%w: %.500s", ended, &output)
		}
	}()
	if m.first, err = s.first(ctx, caller); err != nil {
		return memory{}, errors.Join(err, in.Close())
	}
	if _, err = in.Write([]byte("\n")); err != nil {
		return memory{}, fmt.Errorf("tell caller: %w", err)
	}
	if m.underWay, err = s.waiting(ctx, caller, large.Thinks/2); err != nil {
		return memory{}, errors.Join(err, in.Close())
	}
	m.peak = caller.Peak()
	return m, nil
}

// settled is the memory of a program that waits, once it does not grow any more.
func (r *running) settled(ctx context.Context) (int64, error) {
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for last := int64(-1); ; {
		now, err := r.Memory("VmRSS")
		if err != nil || now == last {
			return now, err
		}
		last = now
		select {
		case <-look.C:
		case <-ctx.Done():
			return 0, ctx.Err() //nolint:wrapcheck // an interruption
		}
	}
}
