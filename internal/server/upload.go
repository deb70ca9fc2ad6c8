package server

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"time"

	"casflow/internal/jobs"
	"casflow/internal/record"
	"casflow/internal/redact"
	"casflow/internal/storage"
	"casflow/internal/storage/objectstore"
)

const (
	// maxUpload bounds the body of an upload, in bytes: the PDF, and room for fields.
	maxUpload = jobs.MaxPDFBytes + 256<<10
	// maxField bounds one field beside the PDF, in bytes.
	maxField = 8 << 10
	// uploadTimeout is how long a body may take, which lets slow lines through.
	uploadTimeout = 5 * time.Minute
	// sumMetadata is the user metadata that tells the content of an uploaded object.
	sumMetadata = "casflow-sha256"
)

// upload is a PDF that is sent along, and how it is to be parsed.
type upload struct {
	terms
	key  string       // below the prefix; "" by its content
	file *jobs.Upload // nil: not sent
}

// postUpload takes a PDF that is sent along: by way of a file, because S3 wants to
// know its size, and its name is made of its content.
func (s *Server) postUpload(w http.ResponseWriter, r *http.Request, service string) (err error) {
	if s.UploadBucket == "" {
		return newProblem(http.StatusNotImplemented, "no uploads are taken here (CASFLOW_UPLOAD_TO)")
	}
	leave, err := s.limits.enter(r.Context())
	if err != nil {
		return err
	}
	defer leave()
	control := http.NewResponseController(w)
	// Without them the server's own, shorter limits hold.
	_ = control.SetReadDeadline(time.Now().Add(uploadTimeout))
	_ = control.SetWriteDeadline(time.Now().Add(2 * uploadTimeout))
	var sent upload
	defer func() {
		if sent.file != nil {
			err = errors.Join(err, sent.file.Close())
		}
	}()
	item, err := s.receive(w, r, &sent)
	if err == nil {
		err = s.store(r.Context(), sent, &item)
	}
	if err != nil {
		s.metrics.submitted(service, outcomeOf(err), 1)
		return err
	}
	return s.takeOne(w, r, service, item)
}

// receive reads the parts of an upload. Its error names each field that makes no
// sense.
func (s *Server) receive(w http.ResponseWriter, r *http.Request, sent *upload) (record.Item, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxUpload)
	parts, err := r.MultipartReader()
	if err != nil {
		return record.Item{}, newProblem(http.StatusBadRequest, "the body is no multipart/form-data")
	}
	var f faults
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = sent.part(part, &f)
		}
		if err != nil {
			return record.Item{}, bodyFault(err)
		}
	}
	f.text("key", sent.key, maxKey-len(s.UploadPrefix), false)
	item := s.read(sent.terms, &f)
	if sent.file == nil {
		f.add("file", "is missing")
	}
	if len(f) > 0 {
		return record.Item{}, badFields(f...)
	}
	return item, nil
}

// part reads one part of an upload.
func (u *upload) part(part *multipart.Part, f *faults) error {
	field := map[string]*string{
		"key": &u.key, "kind": &u.Kind, "broker": &u.Broker, "queue": &u.Queue, "batch": &u.Batch, "callback_url": (*string)(&u.CallbackURL),
	}[part.FormName()]
	switch name := part.FormName(); {
	case name == "file" && u.file == nil:
		var err error
		u.file, err = jobs.ReceiveUpload(part)
		return err
	case name == "password":
		text, err := readField(part, name, f)
		u.Passwords = append(u.Passwords, redact.Secret(text))
		return err
	case name == "file", field != nil && *field != "":
		f.add(name, "is given twice")
	case field != nil:
		var err error
		*field, err = readField(part, name, f)
		return err
	default:
		f.add(name, "is not known")
	}
	return nil
}

func readField(part *multipart.Part, name string, f *faults) (string, error) {
	text, err := io.ReadAll(io.LimitReader(part, maxField+1))
	if len(text) > maxField {
		f.add(name, "is longer than %d bytes", maxField)
	}
	return string(text), err
}

// bodyFault is the problem of a body that cannot be read, or holds no PDF.
func bodyFault(err error) error {
	if unfitFile, ok := errors.AsType[*jobs.UnfitError](err); ok {
		p := unfit("file", "%s", unfitFile)
		if unfitFile.Reason == storage.ReasonTooLarge {
			p = newProblem(http.StatusRequestEntityTooLarge, "%s", unfitFile)
		}
		p.Reason = string(unfitFile.Reason)
		return p
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return err
	}
	if _, ours := errors.AsType[*fs.PathError](err); ours {
		p := newProblem(http.StatusServiceUnavailable, "there is no room for uploads at the moment")
		p.cause, p.RetryAfter = err, comeAgain
		return p
	}
	return newProblem(http.StatusBadRequest, "the body ends too early, or is no multipart/form-data")
}

// store puts an upload into S3. The same content under the same name is there once,
// however often it is sent; a name that other content has is refused, because a
// document may be waiting for that.
func (s *Server) store(ctx context.Context, sent upload, item *record.Item) error {
	sum := sent.file.SHA256()
	content := hex.EncodeToString(sum[:])
	key := s.UploadPrefix + content + ".pdf"
	if sent.key != "" {
		key = s.UploadPrefix + sent.key
	}
	info, err := s.Store.PutNew(ctx, s.UploadBucket, key, sent.file.Body(), sent.file.Size(), map[string]string{sumMetadata: content})
	if errors.Is(err, fs.ErrExist) {
		info, err = s.Store.Head(ctx, objectstore.Ref{Bucket: s.UploadBucket, Key: key})
		if err == nil && info.Metadata[sumMetadata] != content {
			p := newProblem(http.StatusConflict, "another PDF has this key; give another key, or none")
			p.Errors = faults{fieldError("key", "is taken")}
			return p
		}
	}
	info.VersionID = "" // the ETag pins it
	item.Object = info
	return err
}
