package samples

import (
	"crypto/md5" //nolint:gosec // the standard's checksum of an embedded file, not a safeguard
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// A4 paper in hundredths of a point.
const (
	pageWidth  = 59528
	pageHeight = 84189
)

// PDF makes the sample's file: at least three pages, encrypted (AES-256) with
// Password as user password, with Answer attached as [AttachmentName]. The
// same sample gives the same bytes each time. It fails only for a Sample that
// [Generate] did not make.
func (s *Sample) PDF() ([]byte, error) {
	if s.Statement == nil && s.ContractNote == nil || s.Password == "" || len(s.Answer) == 0 {
		return nil, errors.New("make sample PDF: the sample was not made by Generate")
	}
	secret := s.secret()
	id := sha256.Sum256(secret[:])
	w, err := newPDFWriter(secret, [16]byte(id[:16]), s.Password, s.target+s.target/16)
	if err != nil {
		return nil, fmt.Errorf("make sample PDF: %w", err)
	}
	pdf, err := s.write(w, newRandom(binary.BigEndian.Uint64(id[16:])))
	if err != nil {
		return nil, fmt.Errorf("make sample PDF: %w", err)
	}
	return pdf, nil
}

// write writes the whole file. The mosaic comes last because its size is what
// the other objects leave of the target.
func (s *Sample) write(w *pdfWriter, noise *random) ([]byte, error) {
	catalog, tree, info, encrypt := w.reserve(), w.reserve(), w.reserve(), w.reserve()
	resources, regular, bold, image := w.reserve(), w.reserve(), w.reserve(), w.reserve()
	attachment := w.reserve()

	date := pdfDate(s.made())
	w.object(catalog, fmt.Sprintf("<< /Type /Catalog /Pages %s"+
		" /Extensions << /ADBE << /BaseVersion /1.7 /ExtensionLevel 8 >> >>"+
		" /Names << /EmbeddedFiles << /Names [%s %s] >> >> /PageMode /UseNone >>",
		ref(tree), w.text(AttachmentName), ref(attachment)))
	w.object(info, fmt.Sprintf("<< /Title %s /Author %s /Producer %s /CreationDate %s >>",
		w.text(s.title()+" (made-up sample)"), w.text("casflow"),
		w.text("casflow samples"), w.text(date)))
	w.encryptDictionary(encrypt)
	w.object(regular, fontObject("Helvetica"))
	w.object(bold, fontObject("Helvetica-Bold"))
	w.object(resources, fmt.Sprintf("<< /Font << /F1 %s /F2 %s >> /XObject << /M %s >> >>",
		ref(regular), ref(bold), ref(image)))
	if err := s.attach(w, attachment, date); err != nil {
		return nil, err
	}
	pages := render(s)
	numbers := make([]string, 0, len(pages))
	for _, content := range pages {
		page, body := w.reserve(), w.reserve()
		numbers = append(numbers, ref(page))
		w.object(page, fmt.Sprintf("<< /Type /Page /Parent %s /MediaBox [0 0 595.28 841.89]"+
			" /Resources %s /Contents %s >>", ref(tree), ref(resources), ref(body)))
		if err := w.packedStream(body, "", content); err != nil {
			return nil, err
		}
	}
	w.object(tree, fmt.Sprintf("<< /Type /Pages /Count %d /Kids [%s] >>",
		len(pages), strings.Join(numbers, " ")))
	s.mosaic(w, image, noise)
	return w.finish(catalog, info, encrypt)
}

// attach writes the answer as an embedded file, object n being its
// description.
func (s *Sample) attach(w *pdfWriter, n int, date string) error {
	file := w.reserve()
	sum := md5.Sum(s.Answer) //nolint:gosec // see the import
	name := w.text(AttachmentName)
	w.object(n, fmt.Sprintf("<< /Type /Filespec /F %s /UF %s /Desc %s /EF << /F %s /UF %s >> >>",
		name, w.text(AttachmentName), w.text("What the CAS Parser API answers for this sample"),
		ref(file), ref(file)))
	return w.packedStream(file, fmt.Sprintf("/Type /EmbeddedFile /Subtype /application#2Fjson"+
		" /Params << /Size %d /ModDate %s /CheckSum %s >>",
		len(s.Answer), w.text(date), w.bytes(sum[:])), s.Answer)
}

// mosaic writes object n as an image of noise, which cannot be compressed and
// so brings the file to its target size.
func (s *Sample) mosaic(w *pdfWriter, n int, noise *random) {
	const (
		frame    = 300 // bytes of the image's dictionary, vector and padding
		channels = 3   // bytes of a tile
		least    = 24  // tiles along a side
	)
	tiles := (s.target - len(w.out) - w.tailSize() - frame) / channels
	// A little wider than high, as the place on the page is.
	across := least
	for across*across < tiles {
		across++
	}
	rows := max(least, tiles/across)
	data := make([]byte, rows*across*channels)
	noise.fill(data)
	// Decode maps noise to pale colours.
	w.stream(n, fmt.Sprintf("/Type /XObject /Subtype /Image /Width %d /Height %d /BitsPerComponent 8"+
		" /ColorSpace /DeviceRGB /Decode [0.78 1 0.84 1 0.88 1]", across, rows), data)
}

// fontObject is one of the 14 fonts every reader has.
func fontObject(name string) string {
	return "<< /Type /Font /Subtype /Type1 /BaseFont /" + name + " /Encoding /WinAnsiEncoding >>"
}

// pdfDate turns an ISO timestamp into the PDF's form of a date; the zone is
// left out, which means unknown.
func pdfDate(iso string) string {
	digits := strings.NewReplacer("-", "", ":", "", "T", "").Replace(iso[:len("2006-01-02T15:04:05")])
	return "D:" + digits
}
