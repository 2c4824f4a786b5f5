-- 0013 actions: proposed, approved and carried out about cases; credits and blocks that came of them.

CREATE TABLE IF NOT EXISTS action_events {on_cluster}
(
    `action_id` String CODEC(ZSTD(1)),
    `tenant_id` LowCardinality(String) CODEC(ZSTD(1)),
    `step` Int32 CODEC(T64, ZSTD(1)),
    `at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `who` LowCardinality(String) CODEC(ZSTD(1)),
    `action` LowCardinality(String) CODEC(ZSTD(1)),
    `kind` LowCardinality(String) CODEC(ZSTD(1)),
    `case_id` String CODEC(ZSTD(1)),
    `alert_ids` String CODEC(ZSTD(1)),
    `asked` String CODEC(ZSTD(1)),
    `figures` String CODEC(ZSTD(1)),
    `expires_at` Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD(1)),
    `plan` String CODEC(ZSTD(1)),
    `result` String CODEC(ZSTD(1)),
    `reference` String CODEC(ZSTD(1)),
    `note` String CODEC(ZSTD(1)),
    `previous` String CODEC(ZSTD(1)),
    `hash` String CODEC(ZSTD(1)),
    `ledgered_at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `batch_token` LowCardinality(String) CODEC(ZSTD(1))
)
ENGINE = {engine:MergeTree}
PARTITION BY toDate(ledgered_at)
ORDER BY (tenant_id, action_id, step)
SETTINGS non_replicated_deduplication_window = 10000,
    min_bytes_for_wide_part = 1000000000, min_rows_for_wide_part = 10000000,
    fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS account_credits {on_cluster}
(
    `credit_id` String CODEC(ZSTD(1)),
    `tenant_id` LowCardinality(String) CODEC(ZSTD(1)),
    `number` Int64 CODEC(T64, ZSTD(1)),
    `at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `account_id` String CODEC(ZSTD(1)),
    `amount` Decimal(38, 9) CODEC(ZSTD(1)),
    `currency` LowCardinality(String) CODEC(ZSTD(1)),
    `reason` String CODEC(ZSTD(1)),
    `case_id` String CODEC(ZSTD(1)),
    `proposed_by` LowCardinality(String) CODEC(ZSTD(1)),
    `approved_by` LowCardinality(String) CODEC(ZSTD(1)),
    `ledgered_at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `batch_token` LowCardinality(String) CODEC(ZSTD(1))
)
ENGINE = {engine:MergeTree}
PARTITION BY toDate(ledgered_at)
ORDER BY (tenant_id, number)
SETTINGS non_replicated_deduplication_window = 10000,
    min_bytes_for_wide_part = 1000000000, min_rows_for_wide_part = 10000000,
    fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS block_events {on_cluster}
(
    `block_id` String CODEC(ZSTD(1)),
    `tenant_id` LowCardinality(String) CODEC(ZSTD(1)),
    `number` Int64 CODEC(T64, ZSTD(1)),
    `at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `who` LowCardinality(String) CODEC(ZSTD(1)),
    `action` LowCardinality(String) CODEC(ZSTD(1)),
    `target` LowCardinality(String) CODEC(ZSTD(1)),
    `value` String CODEC(ZSTD(1)),
    `until` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `owner` LowCardinality(String) CODEC(ZSTD(1)),
    `why` String CODEC(ZSTD(1)),
    `case_id` String CODEC(ZSTD(1)),
    `ledgered_at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `batch_token` LowCardinality(String) CODEC(ZSTD(1))
)
ENGINE = {engine:MergeTree}
PARTITION BY toDate(ledgered_at)
ORDER BY (tenant_id, number)
SETTINGS non_replicated_deduplication_window = 10000,
    min_bytes_for_wide_part = 1000000000, min_rows_for_wide_part = 10000000,
    fsync_after_insert = 1, fsync_part_directory = 1;
