-- Ranges of a source that do not begin where the one before them ended: what lies between was read
-- by nobody (offsets of a topic, bytes of a file or of the usage log), or was read twice.
SELECT lane, source, toInt64(toUnixTimestamp64Micro(at)) AS at_us, first, before,
    first - before AS skipped, at_position AS position
FROM (
    SELECT g.lane AS lane, g.source AS source, g.position AS at_position, g.first AS first,
        g.ledgered_at AS at,
        lagInFrame(toNullable(g.last)) OVER (PARTITION BY g.lane, g.source ORDER BY g.position) AS before
    FROM (
        SELECT DISTINCT l.lane AS lane, l.source AS source, l.position AS position, l.first AS first,
            l.last AS last, l.ledgered_at AS ledgered_at
        FROM lane_ledger AS l
        WHERE toDate(l.ledgered_at) IN {days:Array(Date)} AND NOT startsWith(l.source, 'request:')
    ) AS g
)
WHERE before IS NOT NULL AND first != before
ORDER BY lane, at_position
