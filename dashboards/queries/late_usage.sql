-- Accounts, by routing id, with usage of some tariffs that came late, and when the earliest of it began: usage that
-- began before usage which stood earlier in the lane. Looked at is what the lanes put into their ledgers behind one
-- position (after) and up to another (until), and what stands in months reopened there. Closed months are left alone.
WITH
    asked AS (
        SELECT r.lane AS of_lane, period, routing_id, kind,
            toInt64(substringIndex(substringIndex(batch_token, ':', 2), ':', -1)) AS position
        FROM lane_requests AS r
        WHERE kind IN ('soft_close', 'close', 'reopen')
    ),
    states AS (
        SELECT of_lane, period, routing_id, argMax(kind, position) AS state, max(position) + 1 AS since
        FROM asked
        GROUP BY of_lane, period, routing_id
    ),
    reopened AS (
        SELECT of_lane, period, routing_id FROM asked
        WHERE kind = 'reopen'
            AND position > transform(of_lane, {lanes:Array(String)}, {after:Array(Int64)}, -1)
            AND position <= transform(of_lane, {lanes:Array(String)}, {until:Array(Int64)}, -1)
    ),
    placed AS (
        SELECT routing_id, event_id, attempt, rated_id, supersedes, op, tariff_id, offer_id, start_time, batch_row,
            (run != 'retail', run, side, party_id) AS leg,
            substringIndex(batch_token, ':', 1) AS of_lane,
            toInt64(substringIndex(substringIndex(batch_token, ':', 2), ':', -1)) AS position,
            if(of_lane NOT IN (SELECT of_lane FROM reopened), '', formatDateTime(
                start_time, '%Y-%m', transform(offer_id, {offers:Array(String)}, {zones:Array(String)}, {zone:String})
            )) AS month,
            position > transform(of_lane, {lanes:Array(String)}, {after:Array(Int64)}, -1)
                OR month != '' AND (of_lane, month) IN (SELECT of_lane, period FROM reopened WHERE routing_id = '')
                OR month != '' AND (of_lane, month, routing_id) IN (SELECT of_lane, period, routing_id FROM reopened)
                AS due
        FROM rated_events
        WHERE op IN ('charge', 'reversal', 'correction')
            AND position <= transform(of_lane, {lanes:Array(String)}, {until:Array(Int64)}, -1)
    ),
    fresh AS (
        SELECT routing_id, min(start_time) AS earliest FROM placed
        WHERE op = 'charge' AND tariff_id IN {tariffs:Array(String)} AND due
        GROUP BY routing_id
    ),
    gone AS (
        SELECT assumeNotNull(supersedes) AS rated_id FROM placed
        WHERE op = 'reversal' AND routing_id IN (SELECT routing_id FROM fresh)
    ),
    -- Usage without its first charge here was told to begin later than it did then: it stands before all other.
    events AS (
        SELECT p.routing_id AS routing_id, any(of_lane) AS of_lane, maxIf(due, op = 'charge') AS due,
            argMinIf((tariff_id, offer_id, start_time), leg, op != 'reversal' AND rated_id NOT IN (SELECT rated_id FROM gone))
                AS now,
            if(countIf(op = 'charge') = 0, (toInt64(-1), toInt32(0)), min((position, batch_row))) AS place
        FROM placed AS p
        INNER JOIN fresh AS f ON f.routing_id = p.routing_id
        WHERE start_time >= (SELECT min(earliest) FROM fresh) AND start_time >= earliest
        GROUP BY p.routing_id, event_id, attempt
        HAVING now.1 IN {tariffs:Array(String)}
    ),
    dated AS (
        SELECT routing_id, of_lane, due, place, toUnixTimestamp64Micro(now.3) AS start_us,
            formatDateTime(now.3, '%Y-%m', transform(now.2, {offers:Array(String)}, {zones:Array(String)}, {zone:String}))
                AS period
        FROM events
    ),
    taken AS (
        SELECT d.routing_id AS routing_id, due, start_us,
            max(start_us) OVER (
                PARTITION BY d.routing_id ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) AS latest
        FROM dated AS d
        LEFT JOIN states AS own
            ON own.of_lane = d.of_lane AND own.period = d.period AND own.routing_id = d.routing_id
        LEFT JOIN states AS every
            ON every.of_lane = d.of_lane AND every.period = d.period AND every.routing_id = ''
        WHERE if(own.since > every.since, own.state, every.state) != 'close'
    )
SELECT routing_id, min(start_us) AS first_us
FROM taken
WHERE start_us < latest AND due
GROUP BY routing_id
ORDER BY routing_id
SETTINGS max_execution_time = 280, max_bytes_before_external_group_by = 200000000,
    max_bytes_before_external_sort = 200000000
