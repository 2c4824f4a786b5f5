-- Feed files in their latest state.
SELECT feed_id, file_name, status, sequence, records, decoded, suspended, filtered, duplicates,
    declared_records, counted_records, declared_total, counted_total, first_event_time,
    last_event_time
FROM v_feed_files
ORDER BY feed_id, file_name
