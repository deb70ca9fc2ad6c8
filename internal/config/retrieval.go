package config

import (
	"errors"
	"os"
	"strings"

	"casflow/internal/redact"
)

// Destination is where in S3 commands put PDFs.
type Destination struct {
	// To is s3://BUCKET/PREFIX. Required.
	To string `name:"to" env:"CASFLOW_UPLOAD_TO" placeholder:"s3://BUCKET/PREFIX" help:"Where the PDFs are put in S3. Required."`
}

// Faults reports what makes no sense; nil when all does.
func (d Destination) Faults() error {
	const variable, flag, expected = "CASFLOW_UPLOAD_TO", "to", "s3://BUCKET/PREFIX"
	switch bucket, _ := d.Upload(); {
	case d.To == "":
		return fault(variable, flag, "not set; give it as %s", expected)
	case bucket == "":
		return fault(variable, flag, "is %s; expected %s", quote(redact.PANs(d.To)), expected)
	}
	return nil
}

// Upload is the bucket and the prefix, which ends in a slash or is empty; "" for the
// bucket where To makes no sense.
func (d Destination) Upload() (bucket, prefix string) { return splitUploadTo(d.To) }

// splitUploadTo reads s3://BUCKET/PREFIX.
func splitUploadTo(to string) (bucket, prefix string) {
	address, ok := strings.CutPrefix(to, "s3://")
	if !ok {
		return "", ""
	}
	bucket, prefix, _ = strings.Cut(address, "/")
	if prefix = strings.TrimSuffix(prefix, "/"); prefix != "" {
		prefix += "/"
	}
	return bucket, prefix
}

// FileHosts are hosts that links of the API may lead to.
type FileHosts struct {
	// Hosts besides those of casparser.in, by https alone. Defaults to none.
	Hosts []string `name:"file-hosts" env:"CASPARSER_FILE_HOSTS" sep:"," placeholder:"HOST" help:"Hosts that the API's links to files may lead to by https, several with commas, besides all of casparser.in and the host of the base URL."`
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (h FileHosts) Faults() error {
	var faults []error
	for _, host := range h.Hosts {
		if host == "" || host != strings.ToLower(host) || strings.ContainsAny(host, "/:@*? ") {
			faults = append(faults, fault("CASPARSER_FILE_HOSTS", "file-hosts", "has %s; expected names of hosts alone, in small letters, such as files.example.com", quote(host)))
		}
	}
	return errors.Join(faults...)
}

// InboxToken is the token of a connected mailbox. It has no flag: flags show in the
// process list.
type InboxToken struct {
	// File is the path of a file that holds the token. Without it, the variable
	// CASPARSER_INBOX_TOKEN holds it.
	File string `name:"inbox-token-file" env:"CASPARSER_INBOX_TOKEN_FILE" placeholder:"FILE" help:"File that holds the mailbox's token; or else the variable CASPARSER_INBOX_TOKEN does."`
}

// Faults reports what makes no sense; nil when all does.
func (t InboxToken) Faults() error {
	_, err := t.Secret()
	return err
}

// Secret is the token. The error is a fault of configuration and says nothing of it.
func (t InboxToken) Secret() (redact.Secret, error) {
	token, err := hidden("CASPARSER_INBOX_TOKEN", "inbox-token-file", t.File)
	if err == nil && token == "" {
		err = errors.New("CASPARSER_INBOX_TOKEN: not set, nor is CASPARSER_INBOX_TOKEN_FILE (--inbox-token-file); " +
			"connect the mailbox with: enqueuer inbox connect --token-to FILE")
	}
	return token, err
}

// OTP is what CDSL has sent to the phone of an account's owner.
type OTP struct {
	// File is the path of a file that holds it. Without it, the variable CASPARSER_OTP
	// holds it, or else it is read from standard input.
	File string `name:"otp-file" env:"CASPARSER_OTP_FILE" placeholder:"FILE" help:"File that holds the OTP; or else the variable CASPARSER_OTP does; or else it is read from standard input."`
}

// Secret is the OTP, "" where it is to be read from standard input. The error is a fault
// of configuration and says nothing of it.
func (o OTP) Secret() (redact.Secret, error) { return hidden("CASPARSER_OTP", "otp-file", o.File) }

// MailbackPassword is to lock a PDF that is asked for.
type MailbackPassword struct {
	// File is the path of a file that holds it. Without it, the variable
	// CASPARSER_MAILBACK_PASSWORD holds it, or else it is read from standard input.
	File string `name:"mailback-password-file" env:"CASPARSER_MAILBACK_PASSWORD_FILE" placeholder:"FILE" help:"File that holds the password which is to lock the PDF; or else the variable CASPARSER_MAILBACK_PASSWORD does; or else it is read from standard input."`
}

// Secret is the password, "" where it is to be read from standard input. The error is a
// fault of configuration and says nothing of it.
func (p MailbackPassword) Secret() (redact.Secret, error) {
	return hidden("CASPARSER_MAILBACK_PASSWORD", "mailback-password-file", p.File)
}

// hidden is a secret that a variable has, or the file that a flag names; "" for neither.
func hidden(variable, flag, file string) (redact.Secret, error) {
	secret := redact.Secret(strings.TrimSpace(os.Getenv(variable)))
	switch {
	case file == "":
		return secret, nil
	case secret != "":
		return "", errors.New(variable + ": set, and " + variable + "_FILE (--" + flag + ") too; give one of them")
	}
	secret, err := readSecretFile(file)
	if err != nil {
		return "", fault(variable+"_FILE", flag, "%w", err)
	}
	return secret, nil
}
