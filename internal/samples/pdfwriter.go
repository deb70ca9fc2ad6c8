package samples

import (
	"bytes"
	"compress/zlib"
	"encoding/hex"
	"fmt"
	"strconv"
)

// pdfWriter writes the objects of one encrypted PDF. Objects are numbered from
// 1 and may refer to numbers that are reserved but not yet written.
type pdfWriter struct {
	out     []byte
	offsets []int // by object number; 0 is never a valid offset
	crypt   *encryption
	deflate *zlib.Writer
	packed  bytes.Buffer
	id      [16]byte
}

// newPDFWriter begins a PDF. The capacity is a hint in bytes.
func newPDFWriter(secret [32]byte, id [16]byte, password string, capacity int) (*pdfWriter, error) {
	crypt, err := newEncryption(secret, password)
	if err != nil {
		return nil, err
	}
	w := &pdfWriter{crypt: crypt, offsets: make([]int, 1, 32), id: id}
	if w.deflate, err = zlib.NewWriterLevel(&w.packed, zlib.BestSpeed); err != nil {
		return nil, fmt.Errorf("prepare compression: %w", err)
	}
	w.out = make([]byte, 0, capacity)
	// The second line tells transfer programs that the file is binary.
	w.out = append(w.out, "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"...)
	return w, nil
}

// reserve gives the number of an object to be written later.
func (w *pdfWriter) reserve() int {
	w.offsets = append(w.offsets, 0)
	return len(w.offsets) - 1
}

// object writes object n. The body must hold no string: see text.
func (w *pdfWriter) object(n int, body string) {
	w.begin(n)
	w.out = append(w.out, body...)
	w.out = append(w.out, "\nendobj\n"...)
}

func (w *pdfWriter) begin(n int) {
	w.offsets[n] = len(w.out)
	w.out = strconv.AppendInt(w.out, int64(n), 10)
	w.out = append(w.out, " 0 obj\n"...)
}

// text is an encrypted string object for characters up to U+00FF.
func (w *pdfWriter) text(s string) string { return w.bytes(latin1(s)) }

// bytes is an encrypted string object of any bytes. It is written in brackets,
// not in hexadecimal: some readers take dates in no other form.
func (w *pdfWriter) bytes(b []byte) string {
	out := []byte{'('}
	for _, c := range w.crypt.seal(nil, b) {
		switch c {
		case '(', ')', '\\':
			out = append(out, '\\', c)
		case '\r': // a bare one would be read as a line feed
			out = append(out, '\\', 'r')
		default:
			out = append(out, c)
		}
	}
	return string(append(out, ')'))
}

func hexString(b []byte) string { return "<" + hex.EncodeToString(b) + ">" }

// ref is a reference to object n.
func ref(n int) string { return strconv.Itoa(n) + " 0 R" }

// stream writes object n as an encrypted stream of the data as it is. The
// entries are added to the stream's dictionary.
func (w *pdfWriter) stream(n int, entries string, data []byte) {
	w.begin(n)
	w.out = append(w.out, "<< "...)
	w.out = append(w.out, entries...)
	w.out = append(w.out, " /Length "...)
	w.out = strconv.AppendInt(w.out, int64(sealedSize(len(data))), 10)
	w.out = append(w.out, " >>\nstream\n"...)
	w.out = w.crypt.seal(w.out, data)
	w.out = append(w.out, "\nendstream\nendobj\n"...)
}

// packedStream writes object n as a compressed and encrypted stream.
func (w *pdfWriter) packedStream(n int, entries string, data []byte) error {
	w.packed.Reset()
	w.deflate.Reset(&w.packed)
	if _, err := w.deflate.Write(data); err != nil {
		return fmt.Errorf("compress object %d: %w", n, err)
	}
	if err := w.deflate.Close(); err != nil {
		return fmt.Errorf("compress object %d: %w", n, err)
	}
	w.stream(n, entries+" /Filter /FlateDecode", w.packed.Bytes())
	return nil
}

// encryptDictionary writes object n as the encryption dictionary, whose
// strings alone are not encrypted.
func (w *pdfWriter) encryptDictionary(n int) {
	c := w.crypt
	w.object(n, "<< /Filter /Standard /V 5 /R 6 /Length 256"+
		" /CF << /StdCF << /CFM /AESV3 /AuthEvent /DocOpen /Length 32 >> >>"+
		" /StmF /StdCF /StrF /StdCF /EncryptMetadata true"+
		" /P "+strconv.Itoa(int(allowAll))+
		" /O "+hexString(c.owner)+" /OE "+hexString(c.ownerKey)+
		" /U "+hexString(c.user)+" /UE "+hexString(c.userKey)+
		" /Perms "+hexString(c.perms)+" >>")
}

// tailSize is the size of what finish appends, give or take a few bytes.
func (w *pdfWriter) tailSize() int { return 20*len(w.offsets) + 260 }

// finish writes the cross-reference table and the trailer and gives the file.
func (w *pdfWriter) finish(catalog, info, encrypt int) ([]byte, error) {
	start := len(w.out)
	w.out = fmt.Appendf(w.out, "xref\n0 %d\n0000000000 65535 f \n", len(w.offsets))
	for n, offset := range w.offsets[1:] {
		if offset == 0 {
			return nil, fmt.Errorf("object %d was never written", n+1)
		}
		w.out = fmt.Appendf(w.out, "%010d 00000 n \n", offset)
	}
	id := hexString(w.id[:])
	w.out = fmt.Appendf(w.out,
		"trailer\n<< /Size %d /Root %s /Info %s /Encrypt %s /ID [%s %s] >>\nstartxref\n%d\n%%%%EOF\n",
		len(w.offsets), ref(catalog), ref(info), ref(encrypt), id, id, start)
	return w.out, nil
}

// latin1 is s in the encoding of the standard fonts; a character without a
// place in it becomes "?".
func latin1(s string) []byte {
	out := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xff {
			r = '?'
		}
		out = append(out, byte(r))
	}
	return out
}
