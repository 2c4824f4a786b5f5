-- Canaries that were sent and did not arrive once, in time, at the price that was written down: by
-- canary, fault and day. One that is late or was changed is told as long as none that was sent after it
-- came well.
WITH
    sent AS (
        SELECT tenant_id, canary_id, sequence, any(c.session_id) AS session, any(c.feed_id) AS feed,
            any(c.account_id) AS account, any(c.file_name) AS file,
            toUnixTimestamp64Micro(any(c.sent_at)) AS sent_us, any(c.within_us) AS within,
            toUnixTimestamp64Micro(any(c.start_time)) AS wanted_start,
            any(c.quantity) AS wanted_quantity, any(c.b_number) AS wanted_number,
            any(c.amount) AS wanted_amount, any(c.currency) AS wanted_currency
        FROM canaries_sent AS c
        WHERE c.sent_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
        GROUP BY tenant_id, canary_id, sequence
        HAVING sum(c.change) > 0
    ),
    came AS (
        SELECT r.session_id AS session, sum(if(r.op = 'reversal', -1, 1)) AS charges,
            toUnixTimestamp64Micro(min(r.ledgered_at)) AS came_us, sum(r.amount) AS charged,
            argMax(toString(r.currency), r.ledgered_at) AS charged_in,
            sum(if(r.op = 'reversal', -1, 1) * abs(r.quantity)) AS used,
            any(r.b_number) AS number, toUnixTimestamp64Micro(any(r.start_time)) AS start,
            countIf(r.side = 'canary') = count() AS signed
        FROM rated_events AS r
        WHERE r.start_time >= fromUnixTimestamp64Micro({since:Int64} - 90000000000, 'UTC')
            AND r.account_id IN (SELECT account FROM sent) AND startsWith(r.session_id, 'canary:')
            AND r.run = 'retail' AND r.op != 'true_up'
        GROUP BY session
    ),
    judged AS (
        SELECT s.*, c.charges AS charges, c.came_us AS came_us, c.charged AS charged,
            c.charged_in AS charged_in, c.used AS used, c.number AS number,
            c.start AS start, c.signed AS signed, came_us <= sent_us + within AS in_time,
            used = wanted_quantity AND number = wanted_number AND start = wanted_start AND signed AS as_sent,
            maxIf(s.sequence, charges = 1 AND in_time AND as_sent)
                OVER (PARTITION BY s.tenant_id, s.canary_id) AS newest_well,
            multiIf(
                charges < 1, if({at:Int64} > sent_us + within, 'missing', ''),
                charges > 1, 'twice',
                NOT as_sent, if(s.sequence > newest_well, 'changed', ''),
                charged != wanted_amount OR charged_in != wanted_currency, 'wrong_charge',
                NOT in_time AND s.sequence > newest_well, 'late',
                ''
            ) AS fault
        FROM sent AS s
        LEFT JOIN came AS c ON c.session = s.session
    )
SELECT tenant_id, canary_id, feed, toString(wanted_currency) AS currency, fault,
    intDiv(sent_us, 86400000000) AS day_no, count() AS canaries, min(sequence) AS first_no,
    max(sequence) AS last_no, min(sent_us) AS first_us, max(sent_us) AS last_us,
    argMax(wanted_amount, sequence) AS wanted, argMax(charged, sequence) AS got,
    argMax(charged_in, sequence) AS got_in, argMax(wanted_quantity, sequence) AS wanted_units,
    argMax(used, sequence) AS got_units, argMax(wanted_number, sequence) AS wanted_to,
    argMax(number, sequence) AS got_to, argMax(start - wanted_start, sequence) AS moved_us,
    argMax(came_us - sent_us, sequence) AS took_us,
    argMax(within, sequence) AS within_us, groupArray(50)(file) AS files
FROM judged
WHERE fault != ''
GROUP BY tenant_id, canary_id, feed, currency, fault, day_no
ORDER BY tenant_id, canary_id, feed, currency, fault, day_no
