package config

import (
	"encoding/base64"
	"errors"
	"log/slog"
	"slices"
	"strings"

	"casflow/internal/redact"
)

// CallbackHosts says whom casflow may tell of the end of documents. Without hosts
// it is nobody.
type CallbackHosts struct {
	// Hosts are names: NAME, or *.NAME for all below it.
	Hosts []string `name:"callback-hosts" env:"CASFLOW_CALLBACK_HOSTS" sep:"," placeholder:"HOST" help:"Hosts that a callback_url may name: NAME, or *.NAME for all below it; several with commas."`
	// Private defaults to false.
	Private bool `name:"callback-private" env:"CASFLOW_CALLBACK_PRIVATE" default:"false" help:"Let callbacks go to hosts with private and loopback addresses too, and by http."`
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (c CallbackHosts) Faults() error {
	var faults []error
	for _, host := range c.Hosts {
		name := strings.TrimPrefix(host, "*.")
		unfit := func(r rune) bool { return r <= ' ' || strings.ContainsRune("*/@?#", r) }
		if name == "" || strings.ContainsFunc(name, unfit) {
			faults = append(faults, fault("CASFLOW_CALLBACK_HOSTS", "callback-hosts", "has %s; expected names of hosts alone, such as billing.example.com or *.example.com", quote(host)))
		}
	}
	return errors.Join(faults...)
}

// Callback says how the end of documents is told. Without a secret this program
// tells nobody.
type Callback struct {
	CallbackHosts `embed:""`
	// Secret is one or more secrets of Standard Webhooks; see Secrets.
	Secret redact.Secret `name:"callback-secret" env:"CASFLOW_CALLBACK_SECRET" help:"whsec_ and base64 of 24 to 64 bytes: signs callbacks as Standard Webhooks has it; several with commas sign with each. Without one nobody is told."`
	// SecretFile is the path of a file that holds such a text.
	SecretFile string `name:"callback-secret-file" env:"CASFLOW_CALLBACK_SECRET_FILE" placeholder:"FILE" help:"File that holds the callback secret."`
	// PAN defaults to false.
	PAN bool `name:"callback-pan" env:"CASFLOW_CALLBACK_PAN" default:"false" help:"Tell the statement's PAN too."`
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (c Callback) Faults() error {
	secrets, err := c.Secrets()
	if len(secrets) > 0 && len(c.Hosts) == 0 {
		err = fault("CASFLOW_CALLBACK_HOSTS", "callback-hosts", "not set, but required with CASFLOW_CALLBACK_SECRET; name the hosts that may be told")
	}
	return errors.Join(c.CallbackHosts.Faults(), err)
}

// Secrets are what signs callbacks; none where none is set. The error is a fault of
// configuration and says nothing of them.
func (c Callback) Secrets() ([][]byte, error) {
	const remedy = "make one with: echo whsec_$(openssl rand -base64 32)"
	variable, flag, text, err := givenSecret("CASFLOW_CALLBACK_SECRET", "callback-secret", c.Secret, c.SecretFile)
	if err != nil {
		return nil, err
	}
	var secrets [][]byte
	for word := range strings.FieldsFuncSeq(text.Reveal(), func(r rune) bool { return r == ',' || r <= ' ' }) {
		encoded, ok := strings.CutPrefix(word, "whsec_")
		secret, err := base64.StdEncoding.DecodeString(encoded)
		if !ok || err != nil || len(secret) < 24 || len(secret) > 64 {
			return nil, fault(variable, flag, "is not whsec_ and base64 of 24 to 64 bytes; %s", remedy)
		}
		secrets = append(secrets, secret)
	}
	return secrets, nil
}

// LogValue shows the settings without the secret.
func (c Callback) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("secret", c.Secret), slog.String("secret_file", c.SecretFile), slog.Any("hosts", slices.Clone(c.Hosts)),
		slog.Bool("private", c.Private), slog.Bool("pan", c.PAN))
}

// givenSecret is a secret that is given by a variable or flag or, under names that
// end in _FILE and -file, in a file: its text, and under which names it was given.
// "" where it is not.
func givenSecret(variable, flag string, secret redact.Secret, file string) (string, string, redact.Secret, error) {
	switch {
	case secret != "" && file != "":
		return "", "", "", fault(variable, flag, "set, and %s_FILE (--%s-file) too; give one of them", variable, flag)
	case file == "":
		return variable, flag, redact.Secret(strings.TrimSpace(secret.Reveal())), nil
	}
	variable, flag = variable+"_FILE", flag+"-file"
	text, err := readSecretFile(file)
	if err != nil {
		err = fault(variable, flag, "%w", err)
	}
	return variable, flag, text, err
}
