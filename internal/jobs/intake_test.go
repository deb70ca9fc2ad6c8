package jobs

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// knownObjects has every object, under one ETag.
type knownObjects struct{ fakeObjects }

func (knownObjects) ETag(context.Context, Object) (string, int64, error) { return "e", 1, nil }

// TestProcessor_Intake_Callback shows that a service which enqueues a document that
// is known is told of its end, unless somebody else is.
func TestProcessor_Intake_Callback(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	metrics, _ := newMetrics()
	p := NewProcessor(ProcessorConfig{DB: db, Objects: knownObjects{}, Enqueuer: NewEnqueuer(db, newRedis(t), 0), Metrics: metrics, Logger: quiet()})
	id := storage.DocumentID("statements", "a.pdf", "e", storage.KindSmart)
	for _, step := range []struct{ asked, want string }{
		{"", ""}, {"https://billing.example/", "https://billing.example/"}, {"https://crm.example/", "https://billing.example/"},
	} {
		payload := Payload{Bucket: "statements", Key: "a.pdf", Kind: storage.KindSmart, CallbackURL: step.asked}
		if err := p.intake(t.Context(), payload); err != nil {
			t.Fatal(err)
		}
		submissions, err := db.Submissions(t.Context(), []uuid.UUID{id})
		if err != nil || submissions[id].CallbackURL != step.want {
			t.Errorf("asked for %q: %q is told, %v, want %q", step.asked, submissions[id].CallbackURL, err, step.want)
		}
	}
}
