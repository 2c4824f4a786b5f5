-- Controls that have not run since usage was stored that is older than it may be, and controls whose
-- last run failed.
WITH last_runs AS (
    SELECT r.control AS control, max(r.ended_at) AS ended, argMax(r.result, r.ended_at) AS outcome,
        argMax(r.detail, r.ended_at) AS why
    FROM control_runs AS r
    WHERE r.result IN ('done', 'failed')
        AND toDate(r.ledgered_at) >= toDate(fromUnixTimestamp64Micro({at:Int64}, 'UTC')) - 60
    GROUP BY r.control
), stored AS (
    SELECT toUnixTimestamp64Micro(l.ledgered_at) AS stored_us FROM lane_ledger AS l
    WHERE startsWith(l.lane, 'usage-') AND l.records > 0
        AND l.ledgered_at > (SELECT min(ended) FROM last_runs)
        AND toUnixTimestamp64Micro(l.ledgered_at) < {before:Int64}
)
SELECT control, 'missed' AS state, toUnixTimestamp64Micro(ended) AS since, '' AS why,
    (SELECT max(stored_us) FROM stored) AS newest
FROM last_runs
WHERE newest > since AND NOT startsWith(control, 'check:')
UNION ALL
SELECT control, 'failed' AS state, toUnixTimestamp64Micro(ended) AS since, why, toInt64(0) AS newest
FROM last_runs
WHERE outcome = 'failed'
ORDER BY control, state
