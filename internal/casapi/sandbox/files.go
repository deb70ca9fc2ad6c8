package sandbox

import (
	"bytes"
	"crypto/rand"
	"net/http"
	"strings"
	"time"
)

// filesPath is where files can be fetched: /files/{secret}/{name}.
const filesPath = "/files/"

// linked is a file that can be fetched for a while.
type linked struct {
	madeFile
	expires time.Time
}

// link gives a file an address on the host that the request came to.
func (s *Sandbox) link(r *http.Request, f madeFile, life time.Duration) string {
	name := rand.Text()
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	s.state.links[name] = linked{f, s.clock().Add(life)}
	return origin(r) + filesPath + name + "/" + f.name
}

// origin is scheme and host under which the request reached us.
func origin(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

// serveFile answers a GET of a link: no key is needed. What has expired is 403, as
// the stores of files have it, and what never was 404.
func (s *Sandbox) serveFile(w http.ResponseWriter, r *http.Request) {
	name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, filesPath), "/")
	s.state.mu.Lock()
	file, ok := s.state.links[name]
	s.state.mu.Unlock()
	switch {
	case !ok:
		http.Error(w, "Not found", http.StatusNotFound)
		return
	case !s.clock().Before(file.expires):
		http.Error(w, "Request has expired", http.StatusForbidden)
		return
	}
	fault := s.script.takePath(filesPath)
	if !await(r.Context(), nil, fault.Delay) {
		return
	}
	if fault.Status != 0 || fault.Cut || fault.CutAfter > 0 {
		told := &answer{status: http.StatusOK, header: http.Header{"Content-Type": {pdfType}}, body: file.pdf}
		if fault.Status != 0 {
			told = fault.answer()
		}
		fault.tell(w, told)
		return
	}
	w.Header().Set("Content-Type", pdfType)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file.pdf))
}

const pdfType = "application/pdf"
