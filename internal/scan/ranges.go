package scan

import (
	"context"
	"errors"
	"sync"
	"unicode/utf8"

	"casflow/internal/storage/objectstore"
)

// errUnordered means that ranges cannot work.
var errUnordered = errors.New("S3 does not list the objects in the order of their keys, which a scan needs")

// keyRange is a part of the keys that one lister goes through.
type keyRange struct {
	number int
	after  string // last key that is done with; its lister's alone

	mu    sync.Mutex // held while a cut is written down: a range must not end before the ledger has what was cut off
	taken string     // last key that was taken out of the listing
	until string     // last key that belongs to it; "" has no end

	// Of the run, under its mutex.
	shared  int  // all keys that are left begin with so many bytes of taken, as far as is known
	fresh   bool // a page was taken since it was last tried to cut it
	cutting bool // somebody tries
}

// take takes the objects of a page that belong to the range; done is whether it
// ends with them.
func (r *keyRange) take(page objectstore.Page) (own []objectstore.Info, done bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for n, object := range page.Objects {
		if object.Key <= r.taken {
			return nil, false, errUnordered
		}
		if r.until != "" && object.Key > r.until {
			return page.Objects[:n], true, nil
		}
		r.taken = object.Key
	}
	return page.Objects, !page.More || r.until != "" && r.taken == r.until, nil
}

// first asks for the first key after another one; "" if there is none.
type first func(ctx context.Context, after string) (string, error)

// beyond is behind all keys that begin with prefix, but for some that nobody has.
func beyond(prefix string) string { return prefix + string(utf8.MaxRune) }

// cut looks for a key to cut a range at, of which taken is the last key that was
// taken and until the end; all keys in between begin with so many bytes of taken as
// shared says. It is the first key, before the end, that begins otherwise than those
// at hand, and as early in the key as there is one: so that it cuts off as much as
// can be told. With it comes how many bytes are shared by what is left on either
// side; the key is "" if there is nothing to cut off.
//
// Where S3 has no key of the name that it is to begin after, some servers leave out
// the first key: then the cut is at another place.
func cut(ctx context.Context, first first, taken, until string, shared int) (at string, below, above int, err error) {
	// The ends of prefixes of taken: what lies beyond a longer one lies beyond no
	// shorter one. Mostly the first is it.
	var ends []int
	for end := range taken {
		if end > shared {
			ends = append(ends, end)
		}
	}
	ends = append(ends, len(taken))
	if shared >= len(taken) {
		return "", 0, 0, nil
	}
	low, high := 0, len(ends) // the answer is in ends[low:high], or nowhere
	for probe := 0; low < high; probe = (low + high) / 2 {
		key, err := first(ctx, beyond(taken[:ends[probe]]))
		if err != nil {
			return "", 0, 0, err
		}
		if key == "" || until != "" && key >= until {
			low = probe + 1
			continue
		}
		at, high = key, probe
	}
	if at == "" {
		return "", 0, 0, nil
	}
	above = shared
	if high > 0 {
		above = ends[high-1]
	}
	return at, ends[high], above, nil
}
