-- Input records by fate as known at an instant, from the base tables.
WITH fromUnixTimestamp64Micro({as_of:Int64}, 'UTC') AS moment
SELECT sumIf(records, term = 'collected') AS collected, sumIf(records, term = 'rated') AS rated,
    sumIf(records, term = 'duplicate') AS duplicate, sumIf(records, term = 'suspended') AS suspended,
    sumIf(records, term = 'filtered') AS filtered, sumIf(records, term = 'merged') AS merged,
    sumIf(records, term = 'open') AS open,
    collected - rated - duplicate - suspended - filtered - merged - open AS conservation_difference
FROM
(
    SELECT 'rated' AS term, sum(toInt64(fate_change)) AS records FROM rated_events WHERE ledgered_at <= moment
    UNION ALL
    SELECT toString(fate) AS term, sum(s.records) AS records FROM set_aside_events AS s WHERE ledgered_at <= moment GROUP BY term
    UNION ALL
    SELECT 'suspended' AS term, sum(toInt64(s.change) * s.records) AS records FROM suspense_events AS s WHERE ledgered_at <= moment
    UNION ALL
    SELECT toString(c.term) AS term, sum(c.records) AS records FROM lane_counts AS c WHERE ledgered_at <= moment GROUP BY term
)
