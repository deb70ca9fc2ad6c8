package server

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"casflow/client"
	"casflow/internal/casapi"
	"casflow/internal/jobs"
	"casflow/internal/storage"
)

// schema is what of a JSON Schema the document uses.
type schema struct {
	Ref         string            `json:"$ref"`
	AllOf       []schema          `json:"allOf"`
	Type        string            `json:"type"`
	Properties  map[string]schema `json:"properties"`
	Required    []string          `json:"required"`
	Additional  any               `json:"additionalProperties"`
	Items       *schema           `json:"items"`
	Enum        []string          `json:"enum"`
	MaxLength   int               `json:"maxLength"`
	MaxItems    int               `json:"maxItems"`
	Maximum     int               `json:"maximum"`
	Description string            `json:"description"`
}

// description is openapi.json.
type description struct {
	OpenAPI string                          `json:"openapi"`
	Paths   map[string]map[string]operation `json:"paths"`

	Components struct {
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
}

type operation struct {
	OperationID string             `json:"operationId"`
	Summary     string             `json:"summary"`
	Security    *[]json.RawMessage `json:"security"`
	Responses   map[string]schema  `json:"responses"`
	Parameters  []struct {
		Name   string `json:"name"`
		In     string `json:"in"`
		Schema schema `json:"schema"`
	} `json:"parameters"`
}

func readDescription(t *testing.T, l *lab) description {
	t.Helper()
	var d description
	if err := json.Unmarshal([]byte(l.get(t, "/openapi.json").body), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// resolve follows references.
func (d description) resolve(s schema) schema {
	if len(s.AllOf) == 1 {
		s = s.AllOf[0]
	}
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		return d.resolve(d.Components.Schemas[name])
	}
	return s
}

func TestOpenAPI_Routes(t *testing.T) {
	t.Parallel()
	l := setup(t, nil)
	d := readDescription(t, l)
	if d.OpenAPI != "3.1.0" {
		t.Errorf("it is of OpenAPI %q", d.OpenAPI)
	}
	described := make(map[string]bool) // whether a route is public
	names := make(map[string]bool)
	for path, methods := range d.Paths {
		for method, o := range methods {
			described[strings.ToUpper(method)+" "+path] = o.Security != nil && len(*o.Security) == 0
			names[o.OperationID] = true
			if o.OperationID == "" || o.Summary == "" {
				t.Errorf("%s %s has no name or no summary", method, path)
			}
		}
	}
	served := make(map[string]bool)
	for pattern, route := range l.routes {
		served[pattern] = route.public
	}
	if diff := cmp.Diff(served, described); diff != "" || len(names) != len(served) {
		t.Errorf("routes (-served +described):\n%s", diff)
	}
}

// TestOpenAPI_Fields holds each schema against the type that is read or written.
func TestOpenAPI_Fields(t *testing.T) {
	t.Parallel()
	l := setup(t, nil)
	d := readDescription(t, l)
	unseen := maps.Clone(d.Components.Schemas)
	check := func(name string, value any, more ...string) {
		t.Helper()
		s, ok := d.Components.Schemas[name]
		if !ok || s.Type != "object" || s.Additional != false {
			t.Errorf("%s is described as %+v, want an object of these members alone", name, s)
		}
		delete(unseen, name)
		kinds, required := fieldsOf(reflect.TypeOf(value))
		for _, extra := range more {
			kinds[extra] = "string"
		}
		described := make(map[string]string)
		for field, property := range s.Properties {
			described[field] = d.resolve(property).Type
		}
		if diff := cmp.Diff(kinds, described); diff != "" {
			t.Errorf("%s (-Go +described):\n%s", name, diff)
		}
		slices.Sort(s.Required)
		if diff := cmp.Diff(required, s.Required, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("required of %s (-Go +described):\n%s", name, diff)
		}
	}
	check("Submission", client.Submission{}, "password")
	check("Submitted", client.Submitted{})
	check("Result", client.Result{})
	check("Document", client.Document{})
	check("DocumentDeath", client.DocumentDeath{})
	check("DocumentStatement", client.DocumentStatement{})
	check("DocumentCallback", client.DocumentCallback{})
	check("Batch", client.Batch{})
	check("DeadLetter", client.DeadLetter{})
	check("DeadLetters", client.DeadLetters{})
	check("Redrive", client.Redrive{})
	check("Redriven", client.Redriven{})
	check("EventsTaken", client.EventsTaken{})
	check("Problem", client.Problem{})
	check("FieldError", client.FieldError{})

	// What is read are types of our own, which do not show secrets.
	for name, value := range map[string]any{"Submission": submission{}, "Redrive": redrive{}} {
		read, _ := fieldsOf(reflect.TypeOf(value))
		if diff := cmp.Diff(slices.Sorted(maps.Keys(d.Components.Schemas[name].Properties)), slices.Sorted(maps.Keys(read))); diff != "" {
			t.Errorf("%s (-described +read):\n%s", name, diff)
		}
	}

	for name, want := range map[string][]string{
		"Kind": jobs.Kinds(), "Broker": casapi.BrokerTypes(), "Queue": {storage.QueueInteractive, storage.QueueBulk}, "Status": textsOf(storage.Statuses()), "Reason": textsOf(storage.Reasons()),
	} {
		delete(unseen, name)
		if diff := cmp.Diff(want, d.Components.Schemas[name].Enum); diff != "" {
			t.Errorf("%s (-Go +described):\n%s", name, diff)
		}
	}
	if diff := cmp.Diff(textsOf(storage.CallbackStates()), d.Components.Schemas["DocumentCallback"].Properties["state"].Enum); diff != "" {
		t.Errorf("states of a callback (-Go +described):\n%s", diff)
	}
	delete(unseen, "Upload") // whose parts TestOpenAPI_Statuses sends
	if len(unseen) > 0 {
		t.Errorf("described, but of no use: %v", slices.Collect(maps.Keys(unseen)))
	}

	fields := d.Components.Schemas["Submission"].Properties
	redrives := d.Components.Schemas["Redrive"].Properties
	got := []int{
		fields["bucket"].MaxLength, fields["key"].MaxLength, fields["batch"].MaxLength, fields["password"].MaxLength, fields["passwords"].MaxItems,
		redrives["documents"].MaxItems, d.Paths["/v1/dead-letters"]["get"].Parameters[2].Schema.Maximum,
	}
	if diff := cmp.Diff([]int{maxBucket, maxKey, maxBatch, maxPassword, maxPasswords, maxRedriven, maxPage}, got); diff != "" {
		t.Errorf("limits (-Go +described):\n%s", diff)
	}
}

func textsOf[T ~string](values []T) []string {
	texts := make([]string, len(values))
	for n, value := range values {
		texts[n] = string(value)
	}
	return texts
}

// fieldsOf are the JSON types of a struct's members, and those that are always
// there.
func fieldsOf(t reflect.Type) (kinds map[string]string, required []string) {
	kinds = make(map[string]string)
	for field := range t.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		of := field.Type
		if of.Kind() == reflect.Pointer {
			of = of.Elem()
		}
		switch {
		case name == "-":
		case field.Anonymous:
			inner, always := fieldsOf(of)
			maps.Copy(kinds, inner)
			if field.Type.Kind() != reflect.Pointer {
				required = append(required, always...)
			}
		default:
			kinds[name] = map[reflect.Kind]string{
				reflect.String: "string", reflect.Int: "integer", reflect.Int64: "integer", reflect.Bool: "boolean",
				reflect.Slice: "array", reflect.Map: "object", reflect.Struct: "object",
			}[of.Kind()]
			if of == reflect.TypeFor[time.Time]() {
				kinds[name] = "string"
			}
			if options != "omitempty" {
				required = append(required, name)
			}
		}
	}
	slices.Sort(required)
	return kinds, required
}
