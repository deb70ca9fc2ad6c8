package jobs

import (
	"sync"

	"casflow/internal/storage"
)

// largeAnswer is the size in bytes above which answers are read and saved one after
// the other: what one of 30 MB is read into may take half a gigabyte, and as many
// tasks as a worker has would take all of its memory. Ordinary ones are 100 KB.
const largeAnswer = 4 << 20

// turns lets large answers in one at a time, and all others at once. The zero value is
// ready.
type turns struct{ mu sync.Mutex }

// enter waits for the answer's turn; the function it returns ends it.
func (t *turns) enter(answer storage.Answer) (leave func()) {
	if len(answer.Body) <= largeAnswer {
		return func() {}
	}
	t.mu.Lock()
	return t.mu.Unlock
}
