-- Suspended usage that has waited for longer than it may, by feed and reason.
SELECT tenant_id, feed_id, reason, estimated_currency AS currency, sum(records) AS waiting,
    sum(ifNull(estimated_amount, 0)) AS amount,
    toUnixTimestamp64Micro(min(first_seen)) AS oldest
FROM v_suspense_open
WHERE first_seen < fromUnixTimestamp64Micro({before:Int64}, 'UTC')
GROUP BY tenant_id, feed_id, reason, currency
ORDER BY tenant_id, feed_id, reason, currency
