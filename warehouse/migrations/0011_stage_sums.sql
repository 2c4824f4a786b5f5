-- 0011 stage sums: what each stage has passed on, to be held against what the next one has.

CREATE TABLE IF NOT EXISTS stage_sums {on_cluster}
(
    `tenant_id` LowCardinality(String) CODEC(ZSTD(1)),
    `lane` LowCardinality(String) CODEC(ZSTD(1)),
    `stage` LowCardinality(String) CODEC(ZSTD(1)),
    `feed_id` LowCardinality(String) CODEC(ZSTD(1)),
    `service` LowCardinality(String) CODEC(ZSTD(1)),
    `currency` LowCardinality(String) CODEC(ZSTD(1)),
    `collected_at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `records` Int64 CODEC(T64, ZSTD(1)),
    `quantity` Int64 CODEC(T64, ZSTD(1)),
    `amount` Decimal(38, 9) CODEC(ZSTD(1)),
    `ids` UInt64 CODEC(ZSTD(1)),
    `ledgered_at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `batch_token` LowCardinality(String) CODEC(ZSTD(1))
)
ENGINE = {engine:MergeTree}
PARTITION BY toDate(ledgered_at)
ORDER BY (tenant_id, feed_id, stage, ledgered_at)
TTL toDateTime(ledgered_at) + INTERVAL 90 DAY DELETE
SETTINGS non_replicated_deduplication_window = 10000,
    min_bytes_for_wide_part = 1000000000, min_rows_for_wide_part = 10000000,
    fsync_after_insert = 1, fsync_part_directory = 1;
