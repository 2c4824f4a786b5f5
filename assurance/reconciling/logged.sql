-- Usage that collection lanes wrote to the usage log, against what account lanes read of it, by
-- hour of collection; what it is worth by what the same usage has brought in those hours' days.
SELECT tenant_id, feed_id, service, currency, toInt64(toUnixTimestamp(hour)) * 1000000 AS hour_us,
    sum(f.passed) AS told, sum(f.had) AS found, sum(f.quantities) AS quantity,
    any(u.charged) * sum(f.passed - f.had) / any(u.charges) AS amount,
    groupBitXor(f.id_bits) AS differing, arraySort(groupArray(f.writer)) AS lanes
FROM (
    SELECT tenant_id, feed_id, service, writer, hour, sumIf(p.records, p.accepted) AS passed,
        sumIf(p.records, NOT p.accepted) AS had,
        sum(if(p.accepted, p.quantity, -p.quantity)) AS quantities, groupBitXor(p.ids) AS id_bits
    FROM (
        SELECT s.tenant_id AS tenant_id, s.feed_id AS feed_id, s.service AS service,
            s.lane AS writer, s.collected_at AS hour, s.stage = 'accepted' AS accepted, s.records,
            s.quantity, s.ids
        FROM stage_sums AS s
        WHERE s.stage IN ('accepted', 'read')
            AND toUnixTimestamp(s.collected_at) IN {hours:Array(Int64)}
            AND toDate(s.ledgered_at) >= {first_day:Date}
    ) AS p
    INNER JOIN (
        SELECT b.lane AS writer, toStartOfHour(min(b.collected_at)) AS first
        FROM stage_sums AS b WHERE b.stage = 'accepted' GROUP BY writer
    ) AS begun USING writer
    WHERE hour > begun.first
    GROUP BY tenant_id, feed_id, service, writer, hour
    HAVING passed != had OR quantities != 0 OR id_bits != 0
) AS f
LEFT JOIN (
    SELECT c.tenant_id AS tenant_id, c.feed_id AS feed_id, c.service AS service,
        c.currency AS currency, sum(c.amount) AS charged, sum(c.records) AS charges
    FROM stage_sums AS c
    WHERE c.stage = 'rated' AND toDate(c.ledgered_at) >= {first_day:Date}
    GROUP BY tenant_id, feed_id, service, currency
    HAVING charges > 0
    ORDER BY charges DESC, currency
    LIMIT 1 BY tenant_id, feed_id, service
) AS u USING (tenant_id, feed_id, service)
GROUP BY tenant_id, feed_id, service, currency, hour
ORDER BY tenant_id, feed_id, service, hour
