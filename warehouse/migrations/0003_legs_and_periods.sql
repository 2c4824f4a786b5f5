-- 0003 legs and periods: legs of partners, tiers, discounts, balances; costs are no revenue.

ALTER TABLE rated_events {on_cluster} ADD COLUMN IF NOT EXISTS `runs` LowCardinality(String) CODEC(ZSTD(1)) AFTER `quality_flags`;

ALTER TABLE rated_events {on_cluster} ADD COLUMN IF NOT EXISTS `side` LowCardinality(String) DEFAULT 'revenue' CODEC(ZSTD(1)) AFTER `run`;

ALTER TABLE rated_events {on_cluster} ADD COLUMN IF NOT EXISTS `party_id` LowCardinality(String) CODEC(ZSTD(1)) AFTER `side`;

ALTER TABLE rated_events {on_cluster} ADD COLUMN IF NOT EXISTS `cause_id` Nullable(UUID) CODEC(ZSTD(1)) AFTER `reason`;

ALTER TABLE rated_events {on_cluster} ADD COLUMN IF NOT EXISTS `cumulative_before` Int64 DEFAULT -1 CODEC(T64, ZSTD(1)) AFTER `allowance_after`;

ALTER TABLE rated_events {on_cluster} ADD COLUMN IF NOT EXISTS `cumulative_after` Int64 DEFAULT -1 CODEC(T64, ZSTD(1)) AFTER `cumulative_before`;

ALTER TABLE rated_events {on_cluster} ADD COLUMN IF NOT EXISTS `repriced` Decimal(38, 9) CODEC(ZSTD(1)) AFTER `cumulative_after`;

ALTER TABLE rated_events {on_cluster} ADD COLUMN IF NOT EXISTS `discount` Decimal(38, 9) CODEC(ZSTD(1)) AFTER `repriced`;

ALTER TABLE rated_events {on_cluster} ADD COLUMN IF NOT EXISTS `spend_change` Decimal(38, 9) CODEC(ZSTD(1)) AFTER `discount`;

ALTER TABLE rated_events {on_cluster} ADD COLUMN IF NOT EXISTS `fx_rate` LowCardinality(String) CODEC(ZSTD(1)) AFTER `currency`;

ALTER TABLE rated_events {on_cluster} ADD COLUMN IF NOT EXISTS `balance_paid` Decimal(38, 9) CODEC(ZSTD(1)) AFTER `fx_rate`;

ALTER TABLE rated_events {on_cluster} ADD COLUMN IF NOT EXISTS `counters` String CODEC(ZSTD(1)) AFTER `balance_paid`;

ALTER TABLE suspense_events {on_cluster} ADD COLUMN IF NOT EXISTS `run` LowCardinality(String) CODEC(ZSTD(1)) AFTER `estimate_method`;

DROP VIEW IF EXISTS mv_revenue_1h_rated_events {on_cluster};

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_revenue_1h_rated_events {on_cluster} TO revenue_1h
AS SELECT tenant_id, toStartOfHour(start_time) AS hour, service, currency, sumIf(amount, side != 'cost') AS amount, sumIf(rounding_difference, side != 'cost') AS rounding_difference, sumIf(rated_quantity, fate_change != 0) AS rated_quantity, sum(toInt64(fate_change)) AS events
FROM rated_events
GROUP BY tenant_id, hour, service, currency;

CREATE VIEW IF NOT EXISTS v_margin {on_cluster} AS
SELECT tenant_id, toDate(start_time) AS day, service, run, party_id, currency,
    sumIf(r.amount, side != 'cost') AS revenue, sumIf(r.amount, side = 'cost') AS cost,
    revenue - cost AS margin
FROM rated_events AS r
GROUP BY tenant_id, day, service, run, party_id, currency;
