package casapi

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// reply is an answer with a 2xx status, read to its end.
type reply struct {
	status    int
	header    http.Header
	requestID string
	body      []byte
	tooLarge  bool // the body was larger than the call's limit; body is nil
}

// readBody reads at most limit bytes of an answer's body, and whether there
// would have been more. What was read before an error is returned with it. We
// ask for no compression, but an answer that is gzipped all the same has been
// paid for, so it is unpacked, under the same limit.
func readBody(response *http.Response, limit int64) (text []byte, more bool, err error) {
	var from io.Reader = response.Body
	if encoding := strings.ToLower(response.Header.Get("Content-Encoding")); encoding == "gzip" || encoding == "x-gzip" {
		unpacked, err := gzip.NewReader(response.Body)
		if err != nil {
			return nil, false, fmt.Errorf("unpack answer: %w", err)
		}
		from = unpacked
	}
	var buffer bytes.Buffer
	// The promised length saves regrowing, within reason: it is only a promise.
	buffer.Grow(int(min(max(response.ContentLength, 0), limit, 1<<20)) + bytes.MinRead)
	_, err = buffer.ReadFrom(io.LimitReader(from, limit+1))
	text = buffer.Bytes()
	if int64(len(text)) > limit {
		return text[:limit], true, nil
	}
	if err != nil {
		return text, false, fmt.Errorf("read answer: %w", err)
	}
	return text, false, nil
}
