-- Accounts, by routing id, with usage of some tariffs that came late, and when the earliest of it began: usage that
-- began before usage which stood earlier in the lane. What the lane was looked through for already counts no more
-- (positions by lane), unless a month was reopened since. Usage of closed months is left alone.
WITH
    asked AS (
        SELECT r.lane AS of_lane, period, routing_id, kind,
            toInt64(splitByChar(':', toString(batch_token))[2]) AS position
        FROM lane_requests AS r
        WHERE kind IN ('soft_close', 'close', 'reopen')
    ),
    states AS (
        SELECT of_lane, period, routing_id, argMax(kind, position) AS state, max(position) + 1 AS since
        FROM asked
        GROUP BY of_lane, period, routing_id
    ),
    reopened AS (
        SELECT of_lane FROM asked
        WHERE kind = 'reopen' AND position > transform(of_lane, {lanes:Array(String)}, {positions:Array(Int64)}, -1)
    ),
    placed AS (
        SELECT routing_id, event_id, attempt, rated_id, supersedes, op, tariff_id, offer_id, start_time, batch_row,
            (run != 'retail', run, side, party_id) AS leg,
            splitByChar(':', toString(batch_token))[1] AS of_lane,
            toInt64(splitByChar(':', toString(batch_token))[2]) AS position,
            if(of_lane IN (SELECT of_lane FROM reopened), -1, transform(of_lane, {lanes:Array(String)}, {positions:Array(Int64)}, -1)) AS looked
        FROM rated_events
        WHERE op IN ('charge', 'reversal', 'correction')
    ),
    fresh AS (
        SELECT routing_id, start_time FROM placed
        WHERE op = 'charge' AND tariff_id IN {tariffs:Array(String)} AND position > looked
    ),
    gone AS (
        SELECT assumeNotNull(supersedes) AS rated_id FROM placed
        WHERE op = 'reversal' AND routing_id IN (SELECT routing_id FROM fresh)
    ),
    -- Usage without its first charge here was told to begin later than it did then: it stands before all other.
    events AS (
        SELECT routing_id, any(of_lane) AS of_lane, any(looked) AS looked,
            argMinIf((tariff_id, offer_id, start_time), leg, op != 'reversal' AND rated_id NOT IN (SELECT rated_id FROM gone)) AS now,
            if(countIf(op = 'charge') = 0, (toInt64(-1), toInt32(0)), min((position, batch_row))) AS place
        FROM placed
        WHERE routing_id IN (SELECT routing_id FROM fresh) AND start_time >= (SELECT min(start_time) FROM fresh)
        GROUP BY routing_id, event_id, attempt
        HAVING now.1 IN {tariffs:Array(String)}
    ),
    dated AS (
        SELECT routing_id, of_lane, looked, place, toUnixTimestamp64Micro(now.3) AS start_us,
            formatDateTime(now.3, '%Y-%m', transform(now.2, {offers:Array(String)}, {zones:Array(String)}, {zone:String}))
                AS period
        FROM events
    ),
    taken AS (
        SELECT d.routing_id AS routing_id, looked, place, start_us,
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
WHERE start_us < latest AND place.1 > looked
GROUP BY routing_id
ORDER BY routing_id
