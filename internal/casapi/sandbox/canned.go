package sandbox

import (
	"net/http"

	"casflow/internal/samples"
)

// SandboxKey is the key of the API's documented sandbox: canned answers, nothing
// billed, ten calls a minute.
const SandboxKey = "sandbox-with-json-responses"

// sandboxRate is how many calls a minute the sandbox key has (the docs).
const sandboxRate = 10

// canned is what a parse path answers with the sandbox key: the same whatever the
// PDF. The docs do not list contract notes among what the sandbox covers.
func (s *Sandbox) canned(to route) document {
	want := samples.Source(to.want)
	switch to.want {
	case contractNote:
		return document{refused: failed(http.StatusForbidden, "", "Contract notes are not enabled for the sandbox")}
	case anyCAS:
		want = samples.SourceCDSL
	}
	return document{answer: s.cannedAnswers()[want], casType: string(want)}
}

// cannedAnswers are the answers by the source of the statement. They are of those
// sample investors who show most of the schema.
func cannedAnswers() map[samples.Source][]byte {
	answers := map[samples.Source][]byte{}
	for _, rich := range []struct {
		source   samples.Source
		seed     uint64
		investor int
	}{{samples.SourceCDSL, 4, 10}, {samples.SourceNSDL, 1, 38}, {samples.SourceCAMSKFintech, 1, 3}} {
		for sample := range samples.Generate(samples.Options{Investors: rich.investor, Seed: rich.seed}) {
			if sample.Source == rich.source {
				answers[rich.source] = sample.Answer // the last one is meant
			}
		}
	}
	return answers
}
