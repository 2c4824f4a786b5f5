-- 0012 canaries: known usage that was sent, written down before it is; its charges are neither revenue
-- nor cost, so no sum of either counts them. See docs/decisions/0016-canaries-are-a-side-of-their-own.md.

CREATE TABLE IF NOT EXISTS canaries_sent {on_cluster}
(
    `tenant_id` LowCardinality(String) CODEC(ZSTD(1)),
    `canary_id` LowCardinality(String) CODEC(ZSTD(1)),
    `sequence` Int64 CODEC(T64, ZSTD(1)),
    `session_id` String CODEC(ZSTD(1)),
    `feed_id` LowCardinality(String) CODEC(ZSTD(1)),
    `account_id` String CODEC(ZSTD(1)),
    `file_name` String CODEC(ZSTD(1)),
    `sent_at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `start_time` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `within_us` Int64 CODEC(T64, ZSTD(1)),
    `quantity` Int64 CODEC(T64, ZSTD(1)),
    `b_number` String CODEC(ZSTD(1)),
    `amount` Decimal(38, 9) CODEC(ZSTD(1)),
    `currency` LowCardinality(String) CODEC(ZSTD(1)),
    `catalog_hash` LowCardinality(String) CODEC(ZSTD(1)),
    `change` Int32 CODEC(T64, ZSTD(1)),
    `ledgered_at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `batch_token` LowCardinality(String) CODEC(ZSTD(1))
)
ENGINE = {engine:MergeTree}
PARTITION BY toDate(ledgered_at)
ORDER BY (tenant_id, canary_id, sequence)
TTL toDateTime(ledgered_at) + INTERVAL 400 DAY DELETE
SETTINGS non_replicated_deduplication_window = 10000,
    min_bytes_for_wide_part = 1000000000, min_rows_for_wide_part = 10000000,
    fsync_after_insert = 1, fsync_part_directory = 1;

DROP VIEW IF EXISTS mv_revenue_1h_rated_events {on_cluster};

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_revenue_1h_rated_events {on_cluster} TO revenue_1h
AS SELECT tenant_id, toStartOfHour(start_time) AS hour, service, currency, if(countSubstrings(batch_token, ':') = 2, splitByChar(':', batch_token)[1], '') AS writer, sumIf(amount, side != 'cost') AS amount, sumIf(rounding_difference, side != 'cost') AS rounding_difference, sumIf(rated_quantity, fate_change != 0) AS rated_quantity, sum(toInt64(fate_change)) AS events
FROM rated_events
WHERE side != 'canary'
GROUP BY tenant_id, hour, service, currency, writer;

DROP VIEW IF EXISTS v_margin {on_cluster};

CREATE VIEW IF NOT EXISTS v_margin {on_cluster} AS
SELECT tenant_id, toDate(start_time) AS day, service, run, party_id, currency,
    sumIf(r.amount, side != 'cost') AS revenue, sumIf(r.amount, side = 'cost') AS cost,
    revenue - cost AS margin
FROM rated_events AS r
WHERE side != 'canary'
GROUP BY tenant_id, day, service, run, party_id, currency;

DROP VIEW IF EXISTS v_rounding {on_cluster};

CREATE VIEW IF NOT EXISTS v_rounding {on_cluster} AS
SELECT tenant_id, tariff_id, tariff_revision, currency, count() AS events,
    sum(r.amount) AS amount, sum(r.rounding_difference) AS rounding_difference
FROM rated_events AS r
WHERE side != 'canary'
GROUP BY tenant_id, tariff_id, tariff_revision, currency;
