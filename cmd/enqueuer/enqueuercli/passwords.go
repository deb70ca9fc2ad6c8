package enqueuercli

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"casflow/internal/redact"
	"casflow/internal/storage/objectstore"
)

// passwords are the sources of PDF passwords that --password-from names, in the
// order they are tried.
type passwords struct {
	sources []passwordSource
}

// passwordSource finds candidates for one object. relative is the object's key
// below the prefix that is scanned.
type passwordSource func(object objectstore.Info, relative string) []redact.Secret

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
		return nil, fmt.Errorf("the environment variable %s is not set", variable)
	}
	return func(objectstore.Info, string) []redact.Secret { return []redact.Secret{password} }, nil
}

// manifestPasswords looks an object up in a CSV file with the columns key and
// password: by its whole key, or its key below the scanned prefix.
func manifestPasswords(file string) (passwordSource, error) {
	f, err := os.Open(file) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("open manifest: %w", err)
	}
	byKey, err := readManifest(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return func(object objectstore.Info, relative string) []redact.Secret {
		if found := byKey[object.Key]; found != nil || relative == object.Key {
			return found
		}
		return byKey[relative]
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
	name = strings.ToLower(strings.TrimPrefix(strings.ToLower(name), "x-amz-meta-"))
	return func(object objectstore.Info, _ string) []redact.Secret {
		return []redact.Secret{redact.Secret(object.Metadata[name])}
	}
}

// keyPassword takes the password from the object's key: the first group of the
// expression, or the whole match.
func keyPassword(expression string) (passwordSource, error) {
	pattern, err := regexp.Compile(expression)
	if err != nil {
		return nil, fmt.Errorf("not a regular expression: %w", err)
	}
	group := min(1, pattern.NumSubexp())
	return func(object objectstore.Info, _ string) []redact.Secret {
		match := pattern.FindStringSubmatch(object.Key)
		if match == nil {
			return nil
		}
		return []redact.Secret{redact.Secret(match[group])}
	}, nil
}

// given reports whether any source was named.
func (p *passwords) given() bool { return len(p.sources) > 0 }

// candidates are the passwords to try on an object, in order, each once.
func (p *passwords) candidates(object objectstore.Info, relative string) []redact.Secret {
	var all []redact.Secret
	for _, source := range p.sources {
		for _, candidate := range source(object, relative) {
			if candidate != "" && !slices.Contains(all, candidate) {
				all = append(all, candidate)
			}
		}
	}
	return all
}

// needsMetadata reports whether a source reads the objects' metadata, which a
// listing does not have.
func needsMetadata(specs []string) bool {
	return slices.ContainsFunc(specs, func(spec string) bool { return strings.HasPrefix(spec, "metadata:") })
}
