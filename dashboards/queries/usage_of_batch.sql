-- Usage of one batch that began in a period, one row for each event as it now stands, as collected.
-- A leg that was tried again alone is left out: the event itself has all its legs.
SELECT *
FROM rated_events
WHERE batch_token = {token:String} AND ledgered_at = fromUnixTimestamp64Micro({at:Int64}, 'UTC')
    AND start_time >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND start_time < fromUnixTimestamp64Micro({until:Int64}, 'UTC')
    AND op IN ('charge', 'correction') AND runs = ''
    AND rated_id NOT IN (SELECT assumeNotNull(supersedes) FROM rated_events WHERE supersedes IS NOT NULL)
ORDER BY collected_at, lane, file_id, record_no, byte_offset, event_id, run
LIMIT 1 BY event_id, restatement_no, attempt
