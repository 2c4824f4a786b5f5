-- What copies that were not charged would have cost, as their originals did: single records, and whole files.
SELECT 'duplicate_record' AS reason, currency, sum(amount) AS money
FROM rated_events
WHERE run = 'retail' AND side = 'revenue' AND event_id IN (
    SELECT event_id FROM set_aside_events WHERE reason = 'duplicate_record')
GROUP BY currency
UNION ALL
SELECT 'duplicate_file' AS reason, currency, sum(amount) AS money
FROM rated_events
WHERE run = 'retail' AND side = 'revenue' AND file_id IN (
    SELECT replay_of FROM feed_files WHERE status = 'replayed')
GROUP BY currency
