-- Events that, within the ledger time of some days, were charged more than once by one leg and never taken back.
-- Which they are is found by hashes alone; the few that are left are then read with their columns.
WITH doubtful AS (
    SELECT cityHash64(r.event_id, r.restatement_no, r.attempt, r.run) AS event
    FROM rated_events AS r
    WHERE toDate(r.ledgered_at) IN {days:Array(Date)} AND r.op != 'true_up'
    GROUP BY event
    HAVING sum(if(r.op = 'reversal', -1, 1)) > 1
)
SELECT tenant_id, feed_id, currency, toInt64(toRelativeDayNum(day)) AS day_no,
    count() AS events, sum(extra) AS charges, sum(money) AS amount,
    groupArray(20)(concat(file, ', record ', toString(record + 1))) AS places
FROM (
    SELECT r.tenant_id AS tenant_id, r.currency AS currency, toDate(max(r.ledgered_at)) AS day,
        any(r.feed_id) AS feed_id, any(r.file_name) AS file, any(r.record_no) AS record,
        sum(if(r.op = 'reversal', -1, 1)) - 1 AS extra, sum(r.amount) - max(r.amount) AS money
    FROM rated_events AS r
    WHERE toDate(r.ledgered_at) IN {days:Array(Date)} AND r.op != 'true_up'
        AND cityHash64(r.event_id, r.restatement_no, r.attempt, r.run) IN (SELECT event FROM doubtful)
    GROUP BY r.tenant_id, r.event_id, r.restatement_no, r.attempt, r.run, r.currency
    HAVING extra > 0
)
GROUP BY tenant_id, feed_id, currency, day_no
ORDER BY tenant_id, feed_id, currency, day_no
