package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/validate"

	"casflow/internal/samples"
)

// document is a PDF as it opened: an answer and its type, or a refusal.
type document struct {
	answer  []byte
	casType string // meta.cas_type of the answer, or contractNote
	broker  string // of a contract note
	hint    string // whose contract note its sender says that it is
	refused *answer
}

var (
	errNoAnswer = errors.New("no answer attached")
	errPanicked = errors.New("the PDF library panicked")
)

// openPDF opens the PDF with its password and takes out the attached answer.
func openPDF(pdf []byte, password string) document {
	body, err := attachment(pdf, password)
	switch {
	case errors.Is(err, pdfcpu.ErrWrongPassword) && password == "":
		return document{refused: badRequest("Password required: the PDF is encrypted")}
	case errors.Is(err, pdfcpu.ErrWrongPassword):
		return document{refused: badRequest("Incorrect password: the PDF cannot be decrypted")}
	case errors.Is(err, errNoAnswer):
		return document{refused: unsupported()}
	case err != nil:
		return document{refused: badRequest("Invalid PDF: the file cannot be read")}
	}
	return documentOf(body)
}

// documentOf is a PDF that opened, with this answer.
func documentOf(body []byte) document {
	var kind struct {
		Meta struct {
			CASType string `json:"cas_type"`
		} `json:"meta"`
		Data struct {
			Note   *struct{} `json:"contract_note_info"`
			Broker struct {
				Type string `json:"broker_type"`
			} `json:"broker_info"`
		} `json:"data"`
	}
	_ = json.Unmarshal(body, &kind) // no type is a type that only smart parse takes
	if kind.Data.Note != nil {
		return document{answer: body, casType: contractNote, broker: kind.Data.Broker.Type}
	}
	return document{answer: body, casType: kind.Meta.CASType}
}

// attachment returns the content of the PDF's embedded file samples.AttachmentName. Its
// error is errNoAnswer where a sound PDF has none, pdfcpu.ErrWrongPassword where
// it cannot be opened, and anything else where it is broken.
func attachment(pdf []byte, password string) (body []byte, err error) {
	defer func() {
		if recover() != nil { // some broken files make the library panic
			body, err = nil, errPanicked
		}
	}()
	ctx, err := pdfcpu.Read(bytes.NewReader(pdf), &model.Configuration{
		// Spelled out, because the library's own default reads and writes a folder
		// of the user's and is not safe for concurrent use.
		Cmd:            model.VALIDATE, // asks for no permission beyond opening
		Reader15:       true,
		ValidationMode: model.ValidationRelaxed,
		UserPW:         password,
		Offline:        true,
		Limits:         model.DefaultResourceLimits(),
	})
	if err != nil {
		return nil, fmt.Errorf("open PDF: %w", err)
	}
	if err := validate.XRefTable(ctx); err != nil {
		return nil, fmt.Errorf("open PDF: %w", err)
	}
	stubs, err := ctx.ListAttachments()
	if err != nil {
		return nil, fmt.Errorf("list attachments: %w", err)
	}
	for _, stub := range stubs {
		if stub.FileName != samples.AttachmentName && stub.ID != samples.AttachmentName {
			continue
		}
		attached, err := ctx.ExtractAttachment(stub)
		if err != nil {
			return nil, fmt.Errorf("extract attachment: %w", err)
		}
		if attached == nil {
			return nil, errNoAnswer
		}
		if body, err = io.ReadAll(attached); err != nil {
			return nil, fmt.Errorf("read attachment: %w", err)
		}
		return body, nil
	}
	return nil, errNoAnswer
}
