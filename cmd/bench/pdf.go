package main

import (
	"bytes"
	"fmt"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"

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
	// Spelled out, because the library's own default reads and writes a folder of the
	// user's.
	configuration := func(cmd model.CommandMode) *model.Configuration {
		return &model.Configuration{
			Cmd: cmd, Reader15: true, ValidationMode: model.ValidationRelaxed, UserPW: password, OwnerPW: password, Offline: true,
			EncryptUsingAES: true, EncryptKeyLength: 128, WriteObjectStream: true, WriteXRefStream: true, Eol: "\n",
			Limits: model.DefaultResourceLimits(),
		}
	}
	var plain, encrypted bytes.Buffer
	if err := api.Decrypt(bytes.NewReader(pdf), &plain, configuration(model.DECRYPT)); err != nil {
		return nil, "", fmt.Errorf("decrypt PDF: %w", err)
	}
	if err := api.Encrypt(bytes.NewReader(plain.Bytes()), &encrypted, configuration(model.ENCRYPT)); err != nil {
		return nil, "", fmt.Errorf("encrypt PDF: %w", err)
	}
	return encrypted.Bytes(), password, nil
}
