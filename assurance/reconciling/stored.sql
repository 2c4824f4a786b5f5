-- Charges that lanes sent to the store in an hour, against those that it has of that hour.
-- The hour is that of the ledger, so a sum and its rows lie in the same one. The first of a lane's
-- sums may share its hour with batches of before there were any, so that hour is left out.
WITH begun AS (
    SELECT splitByChar(':', b.batch_token)[1] AS writer, toStartOfHour(min(b.ledgered_at)) AS first
    FROM stage_sums AS b WHERE b.stage = 'rated' GROUP BY writer
)
SELECT tenant_id, feed_id, service, currency, toInt64(toUnixTimestamp(hour)) * 1000000 AS hour_us,
    sum(f.passed) AS told, sum(f.had) AS found, sum(f.quantities) AS quantity,
    sum(f.amounts) AS amount, groupBitXor(f.id_bits) AS differing,
    arraySort(groupUniqArray(f.writer)) AS lanes
FROM (
    SELECT tenant_id, feed_id, service, currency, splitByChar(':', token)[1] AS writer,
        toStartOfHour(max(p.at)) AS hour, sum(p.passed) AS passed, sum(p.had) AS had,
        sum(p.quantities) AS quantities, sum(p.amounts) AS amounts, groupBitXor(p.id_bits) AS id_bits
    FROM (
        SELECT s.tenant_id AS tenant_id, s.feed_id AS feed_id, s.service AS service,
            s.currency AS currency, s.batch_token AS token, max(s.ledgered_at) AS at,
            sum(s.records) AS passed, toInt64(0) AS had, sum(s.quantity) AS quantities,
            sum(s.amount) AS amounts, groupBitXor(s.ids) AS id_bits
        FROM stage_sums AS s
        WHERE s.stage = 'rated' AND toDate(s.ledgered_at) IN {days:Array(Date)}
            AND toUnixTimestamp(toStartOfHour(s.ledgered_at)) IN {hours:Array(Int64)}
        GROUP BY tenant_id, feed_id, service, currency, token
        UNION ALL
        SELECT r.tenant_id, r.feed_id, r.service, r.currency, r.batch_token, max(r.ledgered_at),
            toInt64(0), toInt64(count()), -sum(r.rated_quantity), -sum(r.amount),
            groupBitXor(reinterpretAsUInt64(r.rated_id))
        FROM rated_events AS r
        WHERE toDate(r.ledgered_at) IN {days:Array(Date)}
            AND toUnixTimestamp(toStartOfHour(r.ledgered_at)) IN {hours:Array(Int64)}
        GROUP BY r.tenant_id, r.feed_id, r.service, r.currency, r.batch_token
    ) AS p
    GROUP BY tenant_id, feed_id, service, currency, token
    HAVING passed != had OR quantities != 0 OR amounts != 0 OR id_bits != 0
) AS f
INNER JOIN begun USING writer
WHERE hour > begun.first
GROUP BY tenant_id, feed_id, service, currency, hour
ORDER BY tenant_id, feed_id, service, currency, hour
