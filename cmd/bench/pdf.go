package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"

	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/validate"

	"casflow/internal/samples"
)

// statementPDF is a sample of about so many bytes and its password. It is encrypted
// with AES-128 (revision 4 of the standard's security handler). Samples themselves
// are with AES-256 (revision 6), where trying a password is meant to cost 1 ms.
func statementPDF(seed uint64, size int) (pdf []byte, password string, err error) {
	for sample := range samples.Generate(samples.Options{Investors: 1, Seed: seed, MinBytes: size, MaxBytes: size}) {
		if pdf, err = sample.PDF(); err != nil {
			return nil, "", fmt.Errorf("make PDF: %w", err)
		}
		password = sample.Password
	}
	plain, err := rewritten(pdf, password, model.DECRYPT)
	if err != nil {
		return nil, "", fmt.Errorf("decrypt PDF: %w", err)
	}
	if pdf, err = rewritten(plain, password, model.ENCRYPT); err != nil {
		return nil, "", fmt.Errorf("encrypt PDF: %w", err)
	}
	return pdf, password, nil
}

// rewritten is a PDF encrypted or decrypted. The library's package for this is left
// out: to be imported alone takes tens of milliseconds at the start of each program.
func rewritten(pdf []byte, password string, command model.CommandMode) ([]byte, error) {
	// Spelled out, because the library's own default reads and writes a folder of the
	// user's.
	opened, err := pdfcpu.Read(bytes.NewReader(pdf), &model.Configuration{
		Cmd: command, Reader15: true, ValidationMode: model.ValidationRelaxed, UserPW: password, OwnerPW: password, Offline: true,
		EncryptUsingAES: true, EncryptKeyLength: 128, WriteObjectStream: true, WriteXRefStream: true, Eol: "\n",
		Limits: model.DefaultResourceLimits(),
	})
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	if err := validate.XRefTable(opened); err != nil {
		return nil, fmt.Errorf("validate: %w", err)
	}
	var written bytes.Buffer
	opened.Write.Writer = bufio.NewWriter(&written)
	if err := errors.Join(pdfcpu.WriteContext(opened), opened.Write.Flush()); err != nil {
		return nil, fmt.Errorf("write: %w", err)
	}
	return written.Bytes(), nil
}
