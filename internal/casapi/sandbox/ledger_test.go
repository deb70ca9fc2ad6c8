package sandbox

import (
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// However many calls run at once, exactly as many are billed as there are
// credits, and each of them is told a balance of its own.
func TestSandbox_CreditsRunOut(t *testing.T) {
	t.Parallel()
	const calls, credits = 48, 17
	b := setup(t, Config{Credits: credits})
	statements := []statement{cdsl(t, 1), nsdl(t, 2), mutual(t, 3)}
	release := b.api.Hold() // so that all have passed the first check of the credits
	var mu sync.Mutex
	var left, want []string
	statuses := map[int]int{}
	var group sync.WaitGroup
	for i := range calls {
		group.Go(func() {
			got, err := b.send(t.Context(), statements[i%len(statements)].upload())
			if err != nil {
				t.Errorf("send: %v", err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			statuses[got.status]++
			if got.status == http.StatusOK {
				left = append(left, got.header.Get("X-Credits-Remaining"))
			}
		})
	}
	if err := b.api.AwaitCalls(t.Context(), calls); err != nil {
		t.Fatal(err)
	}
	if got := b.api.Totals(); got != (Count{Calls: calls}) {
		t.Errorf("while held: totals = %+v, want none billed", got)
	}
	release()
	group.Wait()

	if statuses[http.StatusOK] != credits || statuses[http.StatusPaymentRequired] != calls-credits {
		t.Errorf("statuses = %v, want %d paid and the rest refused", statuses, credits)
	}
	for i := range credits {
		want = append(want, strconv.Itoa(i)+".0")
	}
	slices.Sort(left)
	slices.Sort(want)
	if diff := cmp.Diff(want, left); diff != "" {
		t.Errorf("balances told (-want +got):\n%s", diff)
	}
	if got := b.api.Totals(); got != (Count{Calls: calls, Billed: credits}) {
		t.Errorf("totals = %+v, want %d of %d billed", got, credits, calls)
	}
	var sum Count
	for _, s := range statements {
		count := b.api.Document(s.sum())
		sum.Calls += count.Calls
		sum.Billed += count.Billed
	}
	if sum != b.api.Totals() {
		t.Errorf("documents add up to %+v, totals are %+v", sum, b.api.Totals())
	}
	billed := Amount(0)
	for _, call := range b.api.Calls() {
		billed += call.Credits
		if call.Billed != (call.Status == http.StatusOK) {
			t.Errorf("call %+v: billed without success, or the reverse", call)
		}
	}
	if billed != credits*Credit {
		t.Errorf("the calls' credits add up to %s, want %d", billed, credits)
	}
	if got := b.mustSend(t, statements[0].upload()); got.failure(t).Code != "INSUFFICIENT_CREDITS" {
		t.Errorf("body = %s, want INSUFFICIENT_CREDITS", got.body)
	}
}
