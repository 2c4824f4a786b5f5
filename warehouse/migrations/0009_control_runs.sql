-- 0009 control_runs: every run of every control, those that found nothing too.

CREATE TABLE IF NOT EXISTS control_runs {on_cluster}
(
    `control` LowCardinality(String) CODEC(ZSTD(1)),
    `patterns` LowCardinality(String) CODEC(ZSTD(1)),
    `version` LowCardinality(String) CODEC(ZSTD(1)),
    `began_at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `ended_at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `first_ledgered_at` Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD(1)),
    `last_ledgered_at` Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD(1)),
    `inputs` Int64 CODEC(T64, ZSTD(1)),
    `positions` String CODEC(ZSTD(1)),
    `alerts` Int64 CODEC(T64, ZSTD(1)),
    `result` LowCardinality(String) CODEC(ZSTD(1)),
    `detail` String CODEC(ZSTD(1)),
    `ledgered_at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `batch_token` LowCardinality(String) CODEC(ZSTD(1))
)
ENGINE = {engine:MergeTree}
PARTITION BY toDate(ledgered_at)
ORDER BY (control, began_at)
TTL toDateTime(ledgered_at) + INTERVAL 800 DAY DELETE
SETTINGS non_replicated_deduplication_window = 10000,
    min_bytes_for_wide_part = 1000000000, min_rows_for_wide_part = 10000000,
    fsync_after_insert = 1, fsync_part_directory = 1;
