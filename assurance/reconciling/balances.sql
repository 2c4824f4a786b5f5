-- What prepaid balances have paid, by whoever may hold them, of days that are not counted yet.
SELECT r.tenant_id AS tenant_id, r.routing_id AS routing_id, r.account_id AS account_id,
    r.subscription_id AS subscription_id, r.currency AS currency,
    toInt64(toRelativeDayNum(toDate(r.ledgered_at))) AS day_no,
    toInt64(sum(r.balance_paid) * 1000000000) AS paid_nano,
    argMax(r.catalog_hash, r.ledgered_at) AS catalog
FROM rated_events AS r
WHERE toDate(r.ledgered_at) >= {since:Date} AND r.balance_paid != 0
GROUP BY tenant_id, routing_id, account_id, subscription_id, currency, day_no
ORDER BY tenant_id, routing_id, account_id, subscription_id, currency, day_no
