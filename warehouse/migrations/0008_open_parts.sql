-- 0008 open parts: parts of sessions that wait for the rest, what they are worth, when they are settled.

CREATE TABLE IF NOT EXISTS open_events {on_cluster}
(
    `tenant_id` LowCardinality(String) CODEC(ZSTD(1)),
    `event_id` UUID CODEC(ZSTD(1)),
    `restatement_no` Int32 CODEC(T64, ZSTD(1)),
    `attempt` Int32 CODEC(T64, ZSTD(1)),
    `lane` LowCardinality(String) CODEC(ZSTD(1)),
    `feed_id` LowCardinality(String) CODEC(ZSTD(1)),
    `format` LowCardinality(String) CODEC(ZSTD(1)),
    `file_id` LowCardinality(String) CODEC(ZSTD(1)),
    `file_name` LowCardinality(String) CODEC(ZSTD(1)),
    `record_no` Int64 CODEC(T64, ZSTD(1)),
    `item_no` Int32 CODEC(T64, ZSTD(1)),
    `byte_offset` Int64 CODEC(T64, ZSTD(1)),
    `byte_length` Int32 CODEC(T64, ZSTD(1)),
    `raw_hash` UInt64 CODEC(ZSTD(1)),
    `collected_at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `session_id` String CODEC(ZSTD(1)),
    `change` Int32 CODEC(T64, ZSTD(1)),
    `records` Int64 CODEC(T64, ZSTD(1)),
    `service` LowCardinality(String) CODEC(ZSTD(1)),
    `event_time` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `last_heard` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `settles_at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `quantity` Int64 CODEC(T64, ZSTD(1)),
    `estimated_amount` Nullable(Decimal(38, 9)) CODEC(ZSTD(1)),
    `estimated_currency` LowCardinality(String) CODEC(ZSTD(1)),
    `estimate_method` LowCardinality(String) CODEC(ZSTD(1)),
    `ledgered_at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `batch_token` LowCardinality(String) CODEC(ZSTD(1))
)
ENGINE = {engine:MergeTree}
PARTITION BY toDate(ledgered_at)
ORDER BY (tenant_id, feed_id, session_id, file_id, record_no)
TTL toDateTime(ledgered_at) + INTERVAL 400 DAY DELETE
SETTINGS non_replicated_deduplication_window = 10000,
    min_bytes_for_wide_part = 1000000000, min_rows_for_wide_part = 10000000,
    fsync_after_insert = 1, fsync_part_directory = 1;

CREATE VIEW IF NOT EXISTS v_open_sessions {on_cluster} AS
SELECT tenant_id, lane, feed_id, session_id, min(begun) AS since, max(heard) AS last_heard,
    count() AS parts, sum(held) AS records, sum(used) AS quantity, argMax(settles, order) AS settles_at,
    sum(worth) AS estimated_amount, max(currency) AS estimated_currency
FROM
(
    SELECT o.tenant_id AS tenant_id, o.lane AS lane, o.feed_id AS feed_id,
        o.session_id AS session_id, min(o.event_time) AS begun,
        maxIf(o.last_heard, o.change > 0) AS heard, sum(o.change * o.records) AS held,
        max(o.quantity) AS used,
        argMaxIf(o.settles_at, (o.last_heard, o.ledgered_at), o.change > 0) AS settles,
        maxIf((o.last_heard, o.ledgered_at, o.record_no, o.item_no), o.change > 0) AS order,
        max(o.estimated_amount) AS worth, max(o.estimated_currency) AS currency
    FROM open_events AS o
    GROUP BY o.tenant_id, o.lane, o.feed_id, o.session_id, o.file_id, o.record_no, o.item_no
    HAVING sum(o.change) > 0
)
GROUP BY tenant_id, lane, feed_id, session_id;
