package storage

// roomSQL are CTEs: the documents that are under way, and how many documents of the
// queue may go: so many at the most, and as far as the day's credits go; NULL is no cap.
const roomSQL = `
WITH RECURSIVE under_way AS MATERIALIZED (
	SELECT d.queue, d.batch, d.status <> 'answered' AS will_call, ` + priceSQL + ` AS price FROM cas.documents d WHERE d.stage = 'under_way'
), today AS MATERIALIZED (
	SELECT CASE WHEN @daily::integer > 0 THEN ` + dailySQL + ` - ` + todaysSpentSQL + ` - coalesce((SELECT sum(price) FROM under_way WHERE will_call), 0) END AS credits
	FROM (VALUES (@queue::text)) AS d (queue)
), room AS MATERIALIZED (
	SELECT credits, CASE WHEN EXISTS (SELECT FROM cas.account WHERE paused_reason IS NOT NULL) THEN 0 ELSE greatest(0, least( -- which leaves out NULL
		@window::integer - (SELECT count(*) FROM under_way WHERE queue = @queue), ceil(` + perCreditSQL + ` * credits))) END::bigint AS n
	FROM today
)`

// cappedSQL goes on after a CTE with batches: the credits that those of them that have
// a cap have left, beside the documents that are under way. Each is looked up by its
// name (OFFSET 0 sees to that), because there may be ten thousands of others.
func cappedSQL(batches string) string {
	return `, capped AS MATERIALIZED (
	SELECT n.batch, greatest(0, c.left_over - coalesce((SELECT sum(u.price) FROM under_way u WHERE u.will_call AND u.batch = n.batch), 0)) AS credits
	FROM (SELECT DISTINCT batch FROM ` + batches + ` WHERE batch IS NOT NULL) AS n,
	     LATERAL (SELECT b.max_credits - ` + spentSQL + ` AS left_over FROM cas.batches b WHERE b.batch = n.batch AND b.max_credits IS NOT NULL OFFSET 0) AS c
)`
}

// withinBudgetSQL lets documents go on that were set aside and for which their batch
// has credits again: its cap was raised, or calls ended uncharged.
//
//nolint:gochecknoglobals // a constant, computed
var withinBudgetSQL = roomSQL + `, aside AS ( -- the batches of those, from one to the next
	(SELECT batch FROM cas.documents WHERE over_budget ORDER BY batch LIMIT 1)
	UNION ALL
	SELECT (SELECT batch FROM cas.documents WHERE over_budget AND batch > a.batch ORDER BY batch LIMIT 1) FROM aside a WHERE a.batch IS NOT NULL
)` + cappedSQL("aside") + `
UPDATE cas.documents SET over_budget = false, updated_at = now()
WHERE document_id = ANY (ARRAY(
	SELECT o.document_id FROM room, aside b LEFT JOIN capped c USING (batch), LATERAL (
		SELECT document_id, sum(price) OVER (ORDER BY created_at, document_id) AS credits FROM (
			SELECT d.document_id, d.created_at, ` + priceSQL + ` AS price FROM cas.documents d
			WHERE d.over_budget AND d.batch = b.batch AND d.queue = @queue
			ORDER BY d.created_at, d.document_id LIMIT least(ceil(` + perCreditSQL + ` * c.credits)::bigint, room.n)) AS oldest) AS o
	WHERE c.credits IS NULL OR o.credits <= c.credits))`

// dispatchSQL looks at the oldest documents of a queue, moves those that the budget
// allows to queued, and sets aside those that their batch has no credits for, so that
// they are not looked at again and again. One whose answer is kept costs nothing.
// Nobody overtakes a document that is dearer than what is left.
//
//nolint:gochecknoglobals // a constant, computed
var dispatchSQL = roomSQL + `, next AS (
	SELECT d.document_id, d.created_at, d.batch, ` + priceSQL + ` AS price FROM cas.documents d
	WHERE d.queue = @queue AND d.stage = 'waiting' AND (d.not_before IS NULL OR d.not_before <= now())
	ORDER BY d.created_at, d.document_id
	LIMIT (SELECT n FROM room)
	FOR UPDATE SKIP LOCKED
)` + cappedSQL("next") + `, judged AS (
	SELECT p.document_id, coalesce(p.of_batch > c.credits, false)
		AND NOT EXISTS (SELECT FROM cas.answers a WHERE a.document_id = p.document_id OFFSET 0) AS over_budget, -- each by the key: without OFFSET all may be read
		coalesce(p.of_day <= room.credits, true) AS today
	FROM (SELECT document_id, batch, sum(price) OVER (PARTITION BY batch ORDER BY created_at, document_id) AS of_batch,
	             sum(price) OVER (ORDER BY created_at, document_id) AS of_day FROM next) AS p
	LEFT JOIN capped c USING (batch), room
), moved AS (
	UPDATE cas.documents SET status = 'queued', delivery = delivery + 1, not_before = NULL, updated_at = now()
	WHERE document_id = ANY (ARRAY(SELECT document_id FROM judged WHERE NOT over_budget AND today)) -- by the key; a join may read the whole table
	RETURNING document_id, queue, delivery, created_at
), aside AS (
	UPDATE cas.documents SET over_budget = true, not_before = NULL, updated_at = now()
	WHERE document_id = ANY (ARRAY(SELECT document_id FROM judged WHERE over_budget))
	RETURNING document_id, queue, delivery, created_at
)
SELECT document_id, queue, delivery, interval '0' AS wait, over_budget FROM (
	SELECT document_id, queue, delivery, created_at, false AS over_budget FROM moved
	UNION ALL SELECT document_id, queue, delivery, created_at, true FROM aside) AS seen
ORDER BY created_at, document_id`
