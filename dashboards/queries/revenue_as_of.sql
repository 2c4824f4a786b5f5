-- Revenue by service and currency as believed at an instant: corrections made later are not in it.
SELECT service, currency, sum(toInt64(r.fate_change)) AS events, sumIf(r.amount, r.side != 'cost') AS amount
FROM rated_events AS r
WHERE r.side != 'canary' AND ledgered_at <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')
GROUP BY service, currency
ORDER BY service, currency
