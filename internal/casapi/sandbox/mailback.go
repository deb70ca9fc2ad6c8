package sandbox

import (
	"net/http"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Mailback is a statement that was asked for by mail; none is sent.
type Mailback struct {
	Path, Email, From, To, PAN string
	Password                   string // that the PDF was to have
}

// Mailbacks returns what was asked for so far, but for the sandbox key.
func (s *Sandbox) Mailbacks() []Mailback {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	return slices.Clone(s.state.mailbacks)
}

// notice is an answer that only says what was done.
type notice struct {
	Status string `json:"status"`
	Msg    string `json:"msg"`
}

// mailback answers /v4/kfintech/generate and its newer path.
func (s *Sandbox) mailback(c *visit) *answer {
	var fields struct {
		Email    string `json:"email"`
		From     string `json:"from_date"`
		To       string `json:"to_date"`
		Password string `json:"password"`
		PAN      string `json:"pan_no"`
	}
	if refused := readFields(c.request, &fields, badRequest); refused != nil {
		return refused
	}
	var faults faultList
	faults.check("email", fields.Email, isEmail)
	from, to := faults.day("from_date", fields.From), faults.day("to_date", fields.To)
	faults.check("password", fields.Password, func(string) bool { return true })
	if fields.PAN != "" {
		faults.check("pan_no", fields.PAN, isPAN)
	}
	if to.Before(from) {
		faults.add("Invalid field: to_date is before from_date")
	}
	if refused := faults.answer(); refused != nil {
		return refused
	}
	c.bill = true
	if !c.account.canned {
		s.state.mu.Lock()
		defer s.state.mu.Unlock()
		s.state.mailbacks = append(s.state.mailbacks, Mailback{
			Path: c.request.URL.Path, Email: fields.Email, From: fields.From, To: fields.To, PAN: fields.PAN, Password: fields.Password,
		})
	}
	return jsonAnswer(http.StatusOK, notice{"success", "CAS request submitted. The statement will be sent to the investor's email."})
}

// faultList collects what is wrong with the fields of a request; the first is told.
type faultList []string

func (f *faultList) add(fault string) { *f = append(*f, fault) }

// check requires a field, of the form that ok knows.
func (f *faultList) check(name, value string, ok func(string) bool) {
	switch {
	case value == "":
		f.add("Field required: " + name)
	case !ok(value):
		f.add("Invalid field: " + name)
	}
}

// day requires a date.
func (f *faultList) day(name, value string) time.Time {
	day, err := time.Parse(time.DateOnly, value)
	f.check(name, value, func(string) bool { return err == nil })
	return day
}

func (f *faultList) answer() *answer {
	if len(*f) == 0 {
		return nil
	}
	return badRequest((*f)[0])
}

var (
	panForm  = regexp.MustCompile(`^[A-Z]{5}[0-9]{4}[A-Z]$`)
	boIDForm = regexp.MustCompile(`^[0-9]{16}$`)
)

func isPAN(text string) bool  { return panForm.MatchString(text) }
func isBOID(text string) bool { return boIDForm.MatchString(text) }

func isEmail(text string) bool {
	address, err := mail.ParseAddress(text)
	return err == nil && address.Address == text && strings.Contains(text, ".")
}
