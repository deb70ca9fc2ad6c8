package jobs

import (
	"maps"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"casflow/internal/casapi"
	"casflow/internal/storage"
)

// list notes what is to say of an array whose elements are rows of their own.
func list[T any](r *row, path string, l *casapi.List[T]) {
	r.cannotRead(path, l.Unreadable)
	if len(l.Nulls) > 0 {
		r.forms().Nulls(path, l.Nulls)
	}
}

// keyDate reads a date that is part of the statement's key: keyed says how it came.
func (r *row) keyDate(path string, v casapi.Value) string {
	day, ok := v.Date()
	if !ok {
		r.cannotRead(path, v)
	}
	return day
}

// keyed notes how a value came that is part of the statement's key, or that the
// key was found otherwise.
func (r *row) keyed(path string, v casapi.Value, key string) {
	if _, unreadable := r.extra[path]; unreadable || v.IsText(key) {
		return
	}
	r.forms()[path] = "null"
	r.came(path, v)
}

// structure notes what was around an answer and what came twice in it. What stood
// beside it is extra as well. own and fields are the members that the answer has
// without and with a place.
func (r *row) structure(around casapi.Wrapper, repeated []casapi.Repeated, own casapi.Extra, fields []string) {
	if around.In != "" {
		r.wrapper(around, own, fields)
	}
	if len(repeated) > 0 {
		r.repeated(repeated)
	}
}

func (r *row) wrapper(w casapi.Wrapper, own casapi.Extra, fields []string) {
	form := storage.Wrapper{In: w.In, Shadowed: make(map[string]jsontext.Value)}
	for _, name := range slices.Sorted(maps.Keys(w.Beside)) {
		v := w.Beside[name]
		if _, shadowed := own[name]; shadowed || slices.Contains(fields, name) {
			form.Shadowed[name] = jsontext.Value(v)
			continue
		}
		if v.Known() {
			form.Beside = append(form.Beside, name)
			r.keep(storage.Name(name), v)
		}
	}
	r.forms().Wrapper(form)
}

func (r *row) repeated(repeated []casapi.Repeated) {
	form := make([]storage.Repeated, len(repeated))
	for i, again := range repeated {
		form[i] = storage.Repeated{Pointer: again.Path, Value: jsontext.Value(again.Value)}
	}
	r.forms().Repeated(form)
}

// index is the path of an element.
func index(list string, at int) string { return list + "[" + strconv.Itoa(at) + "]" }
