-- Conservation per lane, feed and ledger hour: collected against every fate.
SELECT lane, feed_id, hour, collected, rated, duplicate, suspended, filtered, merged, open, difference
FROM v_conservation
ORDER BY lane, feed_id, hour
