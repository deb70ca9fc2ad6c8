package pdfcheck

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"sync"

	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"
)

// Sizes in bytes of what is held of a file at any time.
const (
	edge   = 2 << 10  // header and end of the file are looked for within so much
	window = 16 << 10 // the longest dictionary that is read
	chunk  = 64 << 10 // of a scan
)

// maxDepth is how deep a dictionary may be nested: an encryption dictionary
// needs 3.
const maxDepth = 8

const whitespace = "\x00\t\n\f\r "

// file is a PDF, of which only pieces are read.
type file struct {
	source io.ReaderAt
	size   int64
}

// read reads the n bytes at an offset, or as many as there are.
func (f file) read(ctx context.Context, at, n int64) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("read PDF: %w", err)
	}
	if at < 0 || at >= f.size {
		return nil, errUnsure
	}
	data := make([]byte, min(n, f.size-at))
	if got, err := f.source.ReadAt(data, at); got < len(data) {
		return nil, fmt.Errorf("read PDF: %w", err)
	}
	return data, nil
}

// chunks are kept: they would be most of the garbage of looking through a PDF.
var chunks = sync.Pool{New: func() any { return new([chunk]byte) }} //nolint:gochecknoglobals // buffers are the process'

// find gives the offsets at which text stands, in order, at most so many. With
// whole, a digit must not stand before it.
func (f file) find(ctx context.Context, text string, from int64, most int, whole bool) ([]int64, error) {
	var found []int64
	// A chunk begins with the end of the last one, so that no text is cut in
	// two and the byte before it is there too.
	overlap := int64(len(text))
	buffer, _ := chunks.Get().(*[chunk]byte)
	defer chunks.Put(buffer)
	for at := from; at < f.size; at += chunk - overlap {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("search PDF: %w", err)
		}
		data := buffer[:min(chunk, f.size-at)]
		if got, err := f.source.ReadAt(data, at); got < len(data) {
			return nil, fmt.Errorf("search PDF: %w", err)
		}
		done := 0
		if at > from {
			done = 1 // what begins there was found in the last chunk
		}
		for done < len(data) {
			i := bytes.Index(data[done:], []byte(text))
			if i < 0 {
				break
			}
			i += done
			done = i + 1
			if whole && i > 0 && digit(data[i-1]) {
				continue
			}
			if found = append(found, at+int64(i)); len(found) == most {
				return found, nil
			}
		}
	}
	return found, nil
}

// trailer reads the newest trailer, the one that startxref leads to: behind a
// cross-reference table, or as the dictionary of a cross-reference stream.
func (f file) trailer(ctx context.Context) (types.Dict, error) {
	head, err := f.read(ctx, 0, edge)
	if err != nil {
		return nil, err
	}
	tail, err := f.read(ctx, max(0, f.size-edge), edge)
	if err != nil {
		return nil, err
	}
	start := bytes.Index(head, []byte("%PDF-")) // offsets count from there
	end := bytes.LastIndex(tail, []byte("startxref"))
	if start < 0 || end < 0 {
		return nil, errUnsure
	}
	words := bytes.Fields(tail[end:])
	if len(words) < 3 || !bytes.HasPrefix(words[2], []byte("%%EOF")) {
		return nil, errUnsure // cut off
	}
	offset, err := strconv.ParseInt(string(words[1]), 10, 64)
	if err != nil || offset < 0 || offset >= f.size {
		return nil, errUnsure
	}
	at := int64(start) + offset
	table, err := f.read(ctx, at, edge)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(bytes.TrimLeft(table, whitespace), []byte("xref")) {
		found, err := f.find(ctx, "trailer", at, 1, false)
		if err != nil || len(found) == 0 {
			return nil, errUnsure
		}
		return f.dictionary(ctx, found[0]+int64(len("trailer")))
	}
	words = bytes.Fields(table)
	begin := bytes.Index(table, []byte("obj"))
	if begin < 0 || len(words) < 3 || !number(words[0]) || !number(words[1]) || !bytes.HasPrefix(words[2], []byte("obj")) {
		return nil, errUnsure
	}
	trailer, err := f.dictionary(ctx, at+int64(begin+len("obj")))
	if err != nil {
		return nil, err
	}
	if kind := trailer.Type(); kind == nil || *kind != "XRef" {
		return nil, errUnsure
	}
	return trailer, nil
}

// object reads the dictionary that is the object of that number. It is looked
// for by its heading, not in the cross-reference table, whose many forms are
// most of what a reader of PDFs can get wrong; the standard keeps encryption
// dictionaries out of compressed objects.
func (f file) object(ctx context.Context, number, generation int) (types.Dict, error) {
	heading := fmt.Sprintf("%d %d obj", number, generation)
	found, err := f.find(ctx, heading, 0, 2, true)
	if err != nil {
		return nil, err
	}
	if len(found) != 1 { // none, or an update wrote it anew
		return nil, errUnsure
	}
	return f.dictionary(ctx, found[0]+int64(len(heading)))
}

// dictionary reads the dictionary at an offset.
func (f file) dictionary(ctx context.Context, at int64) (types.Dict, error) {
	data, err := f.read(ctx, at, window)
	if err != nil {
		return nil, err
	}
	data = bytes.TrimLeft(data, whitespace)
	if !bytes.HasPrefix(data, []byte("<<")) {
		return nil, errUnsure
	}
	text := string(data)
	object, err := model.ParseObjectContext(ctx, &text, 0, maxDepth)
	if err != nil {
		return nil, fmt.Errorf("parse dictionary: %w", err)
	}
	dictionary, ok := object.(types.Dict)
	if !ok {
		return nil, errUnsure
	}
	return dictionary, nil
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func number(word []byte) bool {
	for _, c := range word {
		if !digit(c) {
			return false
		}
	}
	return len(word) > 0
}
