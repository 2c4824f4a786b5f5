-- Canaries that were sent since an instant, by canary: when, how many were charged, how soon the newest was.
SELECT canary_id, count() AS sent, countIf(charges > 0) AS arrived, max(sequence) AS newest_no,
    max(sent_us) AS newest_us, maxIf(sequence, charges > 0) AS arrived_no,
    argMaxIf(came_us - sent_us, sequence, charges > 0) AS took_us, groupArray(100000)(sent_us) AS times
FROM
(
    SELECT canary_id, sequence, any(session_id) AS session, toUnixTimestamp64Micro(any(s.sent_at)) AS sent_us
    FROM canaries_sent AS s
    WHERE s.sent_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    GROUP BY canary_id, sequence
    HAVING sum(s.change) > 0
) AS sent
LEFT JOIN
(
    SELECT r.session_id AS session, sum(if(r.op = 'reversal', -1, 1)) AS charges,
        toUnixTimestamp64Micro(min(r.ledgered_at)) AS came_us
    FROM rated_events AS r
    WHERE r.start_time >= fromUnixTimestamp64Micro({since:Int64} - 90000000000, 'UTC')
        AND r.account_id IN (SELECT account_id FROM canaries_sent) AND startsWith(r.session_id, 'canary:')
        AND r.run = 'retail' AND r.op != 'true_up'
    GROUP BY session
) AS came ON came.session = sent.session
GROUP BY canary_id
ORDER BY canary_id
