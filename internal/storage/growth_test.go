package storage_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// statements keeps what a DB asks of Postgres, each text once.
type statements struct {
	mu    sync.Mutex
	texts []string
	args  map[string][]any // by text
}

func (s *statements) keep(sql string, args []any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.args[sql]; !known {
		s.texts = append(s.texts, sql)
		s.args[sql] = args
	}
}

// TraceQueryStart implements pgx.QueryTracer.
func (s *statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	s.keep(data.SQL, data.Args)
	return ctx
}

// TraceQueryEnd implements pgx.QueryTracer.
func (s *statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TraceBatchStart implements pgx.BatchTracer.
func (s *statements) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}

// TraceBatchQuery implements pgx.BatchTracer.
func (s *statements) TraceBatchQuery(_ context.Context, _ *pgx.Conn, data pgx.TraceBatchQueryData) {
	s.keep(data.SQL, data.Args)
}

// TraceBatchEnd implements pgx.BatchTracer.
func (s *statements) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// traced opens a database and keeps what is asked of it from then on.
func traced(tb testing.TB, address string) (*storage.DB, *statements) {
	tb.Helper()
	s := &statements{args: make(map[string][]any)}
	db, err := storage.Open(tb.Context(), address, 4, func(c *pgxpool.Config) { c.ConnConfig.Tracer = s })
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(db.Close)
	return db, s
}

// plan is how Postgres runs one of the statements, as for these parameters or, as it
// does after some calls, as for any. What it does is undone.
func (s *statements) plan(t *testing.T, address, sql string, mode string) string {
	t.Helper()
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	tx, err := conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	args := s.args[sql]
	text := sql
	if len(args) > 0 {
		if rewriter, ok := args[0].(pgx.QueryRewriter); ok {
			if text, args, err = rewriter.RewriteQuery(ctx, conn, sql, args); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, setting := range []string{"SET LOCAL jit = off", "SET LOCAL plan_cache_mode = " + mode} {
		if _, err := tx.Exec(ctx, setting); err != nil {
			t.Fatal(err)
		}
	}
	description, err := tx.Prepare(ctx, "explained", text)
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	values := make([]string, len(args))
	for i, arg := range args {
		encoded, err := conn.TypeMap().Encode(description.ParamOIDs[i], pgx.TextFormatCode, arg, nil)
		if err != nil {
			t.Fatalf("parameter %d of %s: %v", i+1, text, err)
		}
		values[i] = "NULL"
		if encoded != nil {
			values[i] = "'" + strings.ReplaceAll(string(encoded), "'", "''") + "'"
		}
	}
	call := "EXPLAIN (ANALYZE, BUFFERS) EXECUTE explained"
	if strings.HasPrefix(strings.TrimSpace(sql), "INSERT") {
		call = "EXPLAIN EXECUTE explained" // the rows are there already
	}
	if len(values) > 0 {
		call += " (" + strings.Join(values, ", ") + ")"
	}
	rows, err := tx.Query(ctx, call, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return strings.Join(lines, "\n")
}

// live asks all that is asked of the ledger while documents go their way and gauges
// are read, of a ledger that is filled.
func live(t *testing.T, db *storage.DB) {
	t.Helper()
	ctx := t.Context()
	leader, worker := lead(t, db), startWorker(t, db)
	budget := storage.Budget{DailyCredits: 1_000_000_000, InteractiveFloor: 10}
	check := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	fresh := newDocument("fresh.pdf", storage.QueueBulk)
	fresh.Batch, fresh.CallbackURL = "june", "https://portal.example.invalid"
	check(db.Record(ctx, []storage.NewDocument{fresh}))
	check(db.Known(ctx, []uuid.UUID{fresh.ID}))
	var ids []uuid.UUID
	for range 2 { // the second finds the window full
		deliveries, err := leader.Dispatch(ctx, storage.QueueBulk, 12, budget)
		check(nil, err)
		for _, d := range deliveries {
			ids = append(ids, d.DocumentID)
		}
	}
	check(leader.Dispatch(ctx, storage.QueueInteractive, 0, budget))
	check(leader.Stale(ctx, time.Hour))
	check(leader.Reclaim(ctx, time.Hour, time.Minute))
	check(leader.Crashed(ctx, ids[11:]))
	check(leader.DueCallbacks(ctx, 16))
	check(nil, leader.ShowBudget(ctx, budget))
	check(db.Requeue(ctx, ids[10:11]))
	check(nil, db.Unqueue(ctx, ids[10:11]))
	work := func(n int) storage.AttemptEnd {
		t.Helper()
		check(db.Claim(ctx, ids[n], worker))
		if _, err := db.Claim(ctx, ids[n], worker); err == nil { // it is not among those that a group can claim
			t.Fatal("claimed twice")
		}
		sum := [32]byte{byte(n)}
		if _, err := db.AnswerFor(ctx, ids[n], sum, "/v4/smart/parse"); err == nil {
			t.Fatal("found an answer")
		}
		spend := budget
		if n == 0 {
			spend = storage.Budget{} // as part of a group
		}
		request := fmt.Sprintf("req_%d", n)
		check(db.BeginAttempt(ctx, storage.NewAttempt{
			RequestID: request, DocumentID: ids[n], WorkerID: worker, Endpoint: "/v4/smart/parse", SHA256: sum, SizeBytes: 9, Budget: spend,
		}))
		return storage.AttemptEnd{RequestID: request, Outcome: storage.OutcomeAnswered, Credits: "1", WorkerID: worker}
	}
	answer := answerFor(ids[0])
	check(db.Save(ctx, answer, full(), work(0)))
	check(db.AnswerFor(ctx, ids[1], answer.SHA256, answer.Endpoint))
	answer.DocumentID = ids[1]
	check(nil, db.SaveAnswer(ctx, answer, work(1)))
	check(nil, db.Retry(ctx, ids[2], work(2), time.Second))
	check(nil, db.Bury(ctx, storage.DeadLetter{DocumentID: ids[3], Reason: storage.ReasonBadAnswer, Message: "m"}, work(3)))
	_ = work(4)
	check(nil, db.Release(ctx, ids[4], worker, time.Second))
	_ = work(5)
	check(nil, db.Stall(ctx, ids[5], worker, time.Second))
	check(nil, db.EndAttempt(ctx, work(6)))
	check(db.ReleaseAbandoned(ctx, worker, ids[6:7]))
	check(db.UnknownAttempts(ctx, ids[4], time.Time{}))
	check(db.UnknownAttempts(ctx, uuid.Nil, time.Now().Add(-time.Hour)))
	check(db.Settle(ctx, []storage.Settlement{{RequestID: "req_4", Billed: true, Credits: "1"}}))
	check(nil, leader.AddUpCounts(ctx))
	check(db.Standing(ctx, lease))
	check(db.OpenCallbacks(ctx))
	check(db.Idle(ctx))
	check(db.Document(ctx, ids[0]))
	check(db.Attempts(ctx, ids[0]))
	for _, batch := range []string{"", "may", "june"} {
		check(db.Overview(ctx, batch))
	}
	check(nil, db.PauseForStragglers(ctx))
}

// TestDB_Growth: nothing that is asked while documents go their way, nor for gauges and
// status, goes through a table that grows with them.
func TestDB_Growth(t *testing.T) {
	t.Parallel()
	address := storagetest.URL(t)
	fill(t, address, 50_000)
	db, asked := traced(t, address)
	live(t, db)
	explained := asked.cheap(t, address)
	if explained < 100 {
		t.Errorf("only %d plans were looked at", explained)
	}
}

// cheap fails where one of the statements goes through a table that grows, and returns
// how many plans it has looked at.
func (s *statements) cheap(t *testing.T, address string) int {
	t.Helper()
	scanned := regexp.MustCompile(`Seq Scan on (` + strings.Join(grown, "|") + `)\b`)
	touched := regexp.MustCompile(`Buffers: shared(?: hit=(\d+))?(?: read=(\d+))?`)
	const most = 1_000 // blocks of 8 kB; the documents alone are more than twice as many
	explained := 0
	for _, sql := range s.texts {
		word := strings.ToUpper(strings.Join(strings.Fields(sql)[:1], ""))
		if !slices.Contains([]string{"SELECT", "WITH", "INSERT", "UPDATE", "DELETE"}, word) {
			continue // settings
		}
		for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
			plan := s.plan(t, address, sql, mode)
			explained++
			if found := scanned.FindString(plan); found != "" {
				t.Errorf("%s (%s):\n%s\n%s", found, mode, sql, plan)
			}
			blocks := 0
			if all := touched.FindStringSubmatch(plan); all != nil { // the first line is that of the whole
				hit, _ := strconv.Atoi(all[1]) // "" none
				read, _ := strconv.Atoi(all[2])
				blocks = hit + read
			}
			if blocks > most {
				t.Errorf("%d blocks are touched, want %d at most (%s):\n%s\n%s", blocks, most, mode, sql, plan)
			}
		}
	}
	return explained
}
