-- 0004 corrections: the order of a lane in its rows, and what became of what a lane was asked.

ALTER TABLE rated_events {on_cluster} ADD COLUMN IF NOT EXISTS `batch_row` Int32 CODEC(T64, ZSTD(1)) AFTER `batch_token`;

CREATE TABLE IF NOT EXISTS lane_requests {on_cluster}
(
    `tenant_id` LowCardinality(String) CODEC(ZSTD(1)),
    `request_id` UUID CODEC(ZSTD(1)),
    `kind` LowCardinality(String) CODEC(ZSTD(1)),
    `reason` LowCardinality(String) CODEC(ZSTD(1)),
    `lane` LowCardinality(String) CODEC(ZSTD(1)),
    `routing_id` String CODEC(ZSTD(1)),
    `period` LowCardinality(String) CODEC(ZSTD(1)),
    `status` LowCardinality(String) CODEC(ZSTD(1)),
    `detail` String CODEC(ZSTD(1)),
    `rows` Int64 CODEC(T64, ZSTD(1)),
    `request` String CODEC(ZSTD(1)),
    `ledgered_at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `batch_token` LowCardinality(String) CODEC(ZSTD(1))
)
ENGINE = {engine:MergeTree}
PARTITION BY toDate(ledgered_at)
ORDER BY (tenant_id, routing_id, period, ledgered_at)
TTL toDateTime(ledgered_at) + INTERVAL 400 DAY DELETE
SETTINGS non_replicated_deduplication_window = 10000,
    min_bytes_for_wide_part = 1000000000, min_rows_for_wide_part = 10000000,
    fsync_after_insert = 1, fsync_part_directory = 1;
