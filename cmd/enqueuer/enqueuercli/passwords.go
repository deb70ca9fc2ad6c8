package enqueuercli

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"casflow/internal/redact"
	"casflow/internal/storage/objectstore"
)

// passwords are the sources of PDF passwords that --password-from names, in the
// order they are tried.
type passwords struct {
	sources []passwordSource
	// metadata tells that a source reads the objects' metadata, which a listing
	// does not have.
	metadata bool
}

// passwordSource finds candidates for one object.
type passwordSource func(objectstore.Info) []redact.Secret

// openPasswords reads the sources. All faults are reported at once.
func openPasswords(specs []string) (*passwords, error) {
	p := &passwords{}
	var faults []error
	for _, spec := range specs {
		source, err := openPasswordSource(spec)
		if err != nil {
			faults = append(faults, fmt.Errorf("--password-from=%s: %w", specForm(spec), err))
			continue
		}
		p.sources = append(p.sources, source)
		p.metadata = p.metadata || strings.HasPrefix(spec, "metadata:")
	}
	return p, errors.Join(faults...)
}

// specForm is what of a source may be shown: somebody may put the password
// itself where the source belongs.
func specForm(spec string) string {
	form, _, ok := strings.Cut(spec, ":")
	if ok && slices.Contains([]string{"env", "manifest", "metadata", "key"}, form) {
		return spec
	}
	return "..."
}

func openPasswordSource(spec string) (passwordSource, error) {
	form, value, _ := strings.Cut(spec, ":")
	if value == "" {
		form = "" // none of the forms goes without
	}
	switch form {
	case "env":
		return envPassword(value)
	case "manifest":
		return manifestPasswords(value)
	case "metadata":
		return metadataPassword(value), nil
	case "key":
		return keyPassword(value)
	default:
		return nil, errors.New("expected env:VAR, manifest:FILE.csv, metadata:NAME or key:REGEXP")
	}
}

// envPassword is one password for all objects.
func envPassword(variable string) (passwordSource, error) {
	password := redact.Secret(os.Getenv(variable))
	if password == "" {
		return nil, fmt.Errorf("the environment variable %s is not set; set it to the password", variable)
	}
	return func(objectstore.Info) []redact.Secret { return []redact.Secret{password} }, nil
}

// manifestPasswords looks an object up in a CSV file with the columns key and
// password: by its whole key, else by what is left of it without its first
// folder, its first two and so on. So a manifest written beside the PDFs fits
// wherever they were uploaded to, for scan, submit and redrive alike.
func manifestPasswords(file string) (passwordSource, error) {
	f, err := os.Open(file)
	if err != nil {
		if at, ok := errors.AsType[*fs.PathError](err); ok {
			err = at.Err // the path has been said
		}
		return nil, fmt.Errorf("the manifest cannot be opened (%w); give a CSV file with the columns key and password", err)
	}
	byKey, err := readManifest(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return func(object objectstore.Info) []redact.Secret {
		for key, more := object.Key, true; more; _, key, more = strings.Cut(key, "/") {
			if found := byKey[key]; found != nil {
				return found
			}
		}
		return nil
	}, nil
}

func readManifest(r io.Reader) (map[string][]redact.Secret, error) {
	reader := csv.NewReader(r)
	header, err := reader.Read()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the manifest's header: %w", err)
	}
	for i := range header { // spreadsheets start the file with a byte order mark
		header[i] = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(header[i], "\ufeff")))
	}
	key, password := slices.Index(header, "key"), slices.Index(header, "password")
	if key < 0 || password < 0 {
		return nil, errors.New("the manifest's first line must name the columns key and password")
	}
	byKey := make(map[string][]redact.Secret)
	for {
		row, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return byKey, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the manifest: %w", err) // names line and column, not what stands there
		}
		if row[password] != "" {
			byKey[row[key]] = append(byKey[row[key]], redact.Secret(row[password]))
		}
	}
}

// metadataPassword takes the password from the object's user metadata.
func metadataPassword(name string) passwordSource {
	name = strings.TrimPrefix(strings.ToLower(name), "x-amz-meta-")
	return func(object objectstore.Info) []redact.Secret {
		return []redact.Secret{redact.Secret(object.Metadata[name])}
	}
}

// keyPassword takes the password from the object's key: the first group of the
// expression, or the whole match.
func keyPassword(expression string) (passwordSource, error) {
	pattern, err := regexp.Compile(expression)
	if err != nil {
		if at, ok := errors.AsType[*syntax.Error](err); ok {
			err = errors.New(at.Code.String()) // what it stumbled over has been said
		}
		return nil, fmt.Errorf(`not a regular expression (%w); write it as in key:([^/]+)\.pdf$`, err)
	}
	group := min(1, pattern.NumSubexp())
	return func(object objectstore.Info) []redact.Secret {
		match := pattern.FindStringSubmatch(object.Key)
		if match == nil {
			return nil
		}
		return []redact.Secret{redact.Secret(match[group])}
	}, nil
}

// Metadata tells that a source reads the objects' metadata.
func (p *passwords) Metadata() bool { return p.metadata }

// Candidates are the passwords that the sources have for an object, in their order.
func (p *passwords) Candidates(object objectstore.Info) []redact.Secret {
	var all []redact.Secret
	for _, source := range p.sources {
		all = append(all, source(object)...)
	}
	return all
}
