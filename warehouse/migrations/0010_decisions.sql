-- 0010 decisions: suppressions, verdicts, cases, and the trail of who did what; kept for ever.

CREATE TABLE IF NOT EXISTS alert_suppressions {on_cluster}
(
    `suppression_id` String CODEC(ZSTD(1)),
    `tenant_id` LowCardinality(String) CODEC(ZSTD(1)),
    `at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `who` LowCardinality(String) CODEC(ZSTD(1)),
    `action` LowCardinality(String) CODEC(ZSTD(1)),
    `control_id` LowCardinality(String) CODEC(ZSTD(1)),
    `entity_id` String CODEC(ZSTD(1)),
    `until` Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD(1)),
    `owner` LowCardinality(String) CODEC(ZSTD(1)),
    `why` String CODEC(ZSTD(1)),
    `ledgered_at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `batch_token` LowCardinality(String) CODEC(ZSTD(1))
)
ENGINE = {engine:MergeTree}
PARTITION BY toDate(ledgered_at)
ORDER BY (tenant_id, suppression_id, at)
SETTINGS non_replicated_deduplication_window = 10000,
    min_bytes_for_wide_part = 1000000000, min_rows_for_wide_part = 10000000,
    fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS alert_feedback {on_cluster}
(
    `alert_id` String CODEC(ZSTD(1)),
    `tenant_id` LowCardinality(String) CODEC(ZSTD(1)),
    `at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `who` LowCardinality(String) CODEC(ZSTD(1)),
    `verdict` LowCardinality(String) CODEC(ZSTD(1)),
    `control_id` LowCardinality(String) CODEC(ZSTD(1)),
    `case_id` String CODEC(ZSTD(1)),
    `note` String CODEC(ZSTD(1)),
    `proposal` String CODEC(ZSTD(1)),
    `ledgered_at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `batch_token` LowCardinality(String) CODEC(ZSTD(1))
)
ENGINE = {engine:MergeTree}
PARTITION BY toDate(ledgered_at)
ORDER BY (tenant_id, alert_id, at)
SETTINGS non_replicated_deduplication_window = 10000,
    min_bytes_for_wide_part = 1000000000, min_rows_for_wide_part = 10000000,
    fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS case_events {on_cluster}
(
    `case_id` String CODEC(ZSTD(1)),
    `tenant_id` LowCardinality(String) CODEC(ZSTD(1)),
    `step` Int32 CODEC(T64, ZSTD(1)),
    `at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `who` LowCardinality(String) CODEC(ZSTD(1)),
    `action` LowCardinality(String) CODEC(ZSTD(1)),
    `from_state` LowCardinality(String) CODEC(ZSTD(1)),
    `to_state` LowCardinality(String) CODEC(ZSTD(1)),
    `assignee` LowCardinality(String) CODEC(ZSTD(1)),
    `note` String CODEC(ZSTD(1)),
    `alert_ids` String CODEC(ZSTD(1)),
    `other_case` String CODEC(ZSTD(1)),
    `money_step` LowCardinality(String) CODEC(ZSTD(1)),
    `amount` Nullable(Decimal(38, 9)) CODEC(ZSTD(1)),
    `currency` LowCardinality(String) CODEC(ZSTD(1)),
    `direction` LowCardinality(String) CODEC(ZSTD(1)),
    `reference` String CODEC(ZSTD(1)),
    `previous` String CODEC(ZSTD(1)),
    `hash` String CODEC(ZSTD(1)),
    `ledgered_at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `batch_token` LowCardinality(String) CODEC(ZSTD(1))
)
ENGINE = {engine:MergeTree}
PARTITION BY toDate(ledgered_at)
ORDER BY (tenant_id, case_id, step)
SETTINGS non_replicated_deduplication_window = 10000,
    min_bytes_for_wide_part = 1000000000, min_rows_for_wide_part = 10000000,
    fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS audit_events {on_cluster}
(
    `sequence` Int64 CODEC(T64, ZSTD(1)),
    `tenant_id` LowCardinality(String) CODEC(ZSTD(1)),
    `at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `who` LowCardinality(String) CODEC(ZSTD(1)),
    `verb` LowCardinality(String) CODEC(ZSTD(1)),
    `object` String CODEC(ZSTD(1)),
    `detail` String CODEC(ZSTD(1)),
    `previous` String CODEC(ZSTD(1)),
    `hash` String CODEC(ZSTD(1)),
    `ledgered_at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `batch_token` LowCardinality(String) CODEC(ZSTD(1))
)
ENGINE = {engine:MergeTree}
PARTITION BY toDate(ledgered_at)
ORDER BY (tenant_id, sequence)
SETTINGS non_replicated_deduplication_window = 10000,
    min_bytes_for_wide_part = 1000000000, min_rows_for_wide_part = 10000000,
    fsync_after_insert = 1, fsync_part_directory = 1;
