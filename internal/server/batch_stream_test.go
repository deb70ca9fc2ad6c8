package server

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"casflow/client"
)

// dial opens a connection and begins a batch on it.
func (l *lab) dial(t *testing.T) net.Conn {
	t.Helper()
	connection, err := net.Dial("tcp", strings.TrimPrefix(l.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	if _, err := fmt.Fprintf(connection, "POST /v1/documents:batch HTTP/1.1\r\nHost: casflow\r\nAuthorization: Bearer %s\r\n%s\r\nTransfer-Encoding: chunked\r\n\r\n",
		token, ndjson); err != nil {
		t.Fatal(err)
	}
	return connection
}

func writeChunk(t *testing.T, w io.Writer, text string) {
	t.Helper()
	if _, err := fmt.Fprintf(w, "%x\r\n%s\r\n", len(text), text); err != nil {
		t.Fatal(err)
	}
}

// TestServer_PostBatch_CutOff shows that of a body which breaks off all whole lines
// are recorded, although nobody is there to be told, and nothing of the broken one:
// not even where it is a whole object by chance.
func TestServer_PostBatch_CutOff(t *testing.T) {
	t.Parallel()
	l := setup(t, nil)
	l.put(t, "a.pdf", "b.pdf", "c.pdf")
	connection := l.dial(t)
	writeChunk(t, connection, l.lineOf("a.pdf", "")+l.lineOf("b.pdf", "")+strings.TrimSpace(l.lineOf("c.pdf", "")))
	if err := connection.Close(); err != nil {
		t.Fatal(err)
	}
	l.awaitServed(t, 1)
	if diff := cmp.Diff([][]string{{"a.pdf"}, {"b.pdf"}}, l.documents(t, "object_key")); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
}

// TestServer_PostBatch_HalfClosed shows that whoever still listens is told of the
// line that the body broke off in.
func TestServer_PostBatch_HalfClosed(t *testing.T) {
	t.Parallel()
	l := setup(t, nil)
	l.put(t, "a.pdf")
	connection := l.dial(t)
	writeChunk(t, connection, l.lineOf("a.pdf", "")+`{"bucket":"b"`)
	half, ok := connection.(*net.TCPConn)
	if !ok {
		t.Fatalf("the connection is a %T", connection)
	}
	if err := half.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if diff := cmp.Diff([]string{"1 pending+", "2 400"}, summary(readResults(t, response.Body))); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

// TestServer_PostBatch_Duplex shows that a caller who waits for each result before
// the next line gets it.
func TestServer_PostBatch_Duplex(t *testing.T) {
	t.Parallel()
	l := setup(t, nil)
	l.put(t, "a.pdf")
	connection := l.dial(t)
	writeChunk(t, connection, l.lineOf("a.pdf", ""))
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	defer func() { _ = connection.Close() }() // before, or the rest of the body would be waited for
	for decoder, n := json.NewDecoder(response.Body), 1; n <= 3; n++ {
		var result client.Result
		if err := decoder.Decode(&result); err != nil || result.Line != n || result.New != (n == 1) {
			t.Fatalf("result %+v, %v, want line %d", result, err, n)
		}
		writeChunk(t, connection, l.lineOf("a.pdf", ""))
	}
}

// TestServer_PostBatch_Backpressure shows that of whoever does not take the results
// no more is read than what is under way.
func TestServer_PostBatch_Backpressure(t *testing.T) {
	t.Parallel()
	l := setup(t, nil)
	l.put(t, "a.pdf")
	connection := l.dial(t)
	line := l.lineOf("a.pdf", "")
	lines := strings.Repeat(line, 1000)
	const all = 1_000_000 // more than the sockets in between ever hold
	sent := 0
	for ; sent < all; sent += 1000 {
		if err := connection.SetWriteDeadline(time.Now().Add(2 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(connection, "%x\r\n%s\r\n", len(lines), lines); err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal(err)
			}
			break
		}
	}
	if sent == all {
		t.Errorf("all %d lines were read although nobody takes the results", all)
	}
}
