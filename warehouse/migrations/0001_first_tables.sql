-- 0001 first tables: base tables, rollups and the views readers use.
-- Frozen: never edit a migration that was released; write the next one with `make migration`.
-- Placeholders: {engine:X} is MergeTree family X, replicated on a cluster; {on_cluster} its clause.

CREATE TABLE IF NOT EXISTS rated_events {on_cluster}
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
    `byte_offset` Int64 CODEC(T64, ZSTD(1)),
    `byte_length` Int32 CODEC(T64, ZSTD(1)),
    `raw_hash` UInt64 CODEC(ZSTD(1)),
    `collected_at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `service` LowCardinality(String) CODEC(ZSTD(1)),
    `direction` LowCardinality(String) CODEC(ZSTD(1)),
    `usage_type` LowCardinality(String) CODEC(ZSTD(1)),
    `kind` LowCardinality(String) CODEC(ZSTD(1)),
    `session_id` String CODEC(ZSTD(1)),
    `linked_id` String CODEC(ZSTD(1)),
    `partial_no` Int32 CODEC(T64, ZSTD(1)),
    `input_records` Int32 CODEC(T64, ZSTD(1)),
    `account_id` String CODEC(ZSTD(1)),
    `subscription_id` String CODEC(ZSTD(1)),
    `offer_id` LowCardinality(String) CODEC(ZSTD(1)),
    `routing_id` String CODEC(ZSTD(1)),
    `partner_id` LowCardinality(String) CODEC(ZSTD(1)),
    `a_number` String CODEC(ZSTD(1)),
    `a_number_raw` String CODEC(ZSTD(1)),
    `b_number` String CODEC(ZSTD(1)),
    `b_number_raw` String CODEC(ZSTD(1)),
    `c_number` String CODEC(ZSTD(1)),
    `served_identifier` String CODEC(ZSTD(1)),
    `imsi` String CODEC(ZSTD(1)),
    `imei` String CODEC(ZSTD(1)),
    `start_time` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `end_time` Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD(1)),
    `setup_time` Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD(1)),
    `utc_offset_minutes` Int32 CODEC(T64, ZSTD(1)),
    `clock_quality` LowCardinality(String) CODEC(ZSTD(1)),
    `quantity` Int64 CODEC(T64, ZSTD(1)),
    `unit` LowCardinality(String) CODEC(ZSTD(1)),
    `duration_us` Int64 CODEC(T64, ZSTD(1)),
    `up_octets` Int64 CODEC(T64, ZSTD(1)),
    `down_octets` Int64 CODEC(T64, ZSTD(1)),
    `cause` LowCardinality(String) CODEC(ZSTD(1)),
    `cause_q850` Int32 CODEC(T64, ZSTD(1)),
    `serving_plmn` LowCardinality(String) CODEC(ZSTD(1)),
    `home_plmn` LowCardinality(String) CODEC(ZSTD(1)),
    `cell_id` LowCardinality(String) CODEC(ZSTD(1)),
    `apn` LowCardinality(String) CODEC(ZSTD(1)),
    `rat` LowCardinality(String) CODEC(ZSTD(1)),
    `trunk_in` LowCardinality(String) CODEC(ZSTD(1)),
    `trunk_out` LowCardinality(String) CODEC(ZSTD(1)),
    `source_amount` Nullable(Decimal(38, 9)) CODEC(ZSTD(1)),
    `source_currency` LowCardinality(String) CODEC(ZSTD(1)),
    `attributes` String CODEC(ZSTD(1)),
    `quality_flags` LowCardinality(String) CODEC(ZSTD(1)),
    `schema_version` Int32 CODEC(T64, ZSTD(1)),
    `rated_id` UUID CODEC(ZSTD(1)),
    `run` LowCardinality(String) CODEC(ZSTD(1)),
    `op` LowCardinality(String) CODEC(ZSTD(1)),
    `version` Int32 CODEC(T64, ZSTD(1)),
    `supersedes` Nullable(UUID) CODEC(ZSTD(1)),
    `reason` LowCardinality(String) CODEC(ZSTD(1)),
    `tariff_id` LowCardinality(String) CODEC(ZSTD(1)),
    `tariff_revision` Int32 CODEC(T64, ZSTD(1)),
    `zone_id` LowCardinality(String) CODEC(ZSTD(1)),
    `matched_prefix` LowCardinality(String) CODEC(ZSTD(1)),
    `price_no` Int32 CODEC(T64, ZSTD(1)),
    `bands` LowCardinality(String) CODEC(ZSTD(1)),
    `time_zone` LowCardinality(String) CODEC(ZSTD(1)),
    `rated_quantity` Int64 CODEC(T64, ZSTD(1)),
    `included_quantity` Int64 CODEC(T64, ZSTD(1)),
    `allowance_id` LowCardinality(String) CODEC(ZSTD(1)),
    `allowance_before` Int64 CODEC(T64, ZSTD(1)),
    `allowance_after` Int64 CODEC(T64, ZSTD(1)),
    `connect_fee` Decimal(38, 9) CODEC(ZSTD(1)),
    `minimum_applied` Int32 CODEC(T64, ZSTD(1)),
    `amount_numerator` Decimal(38, 0) CODEC(ZSTD(1)),
    `amount_denominator` Decimal(38, 0) CODEC(ZSTD(1)),
    `amount` Decimal(38, 9) CODEC(ZSTD(1)),
    `rounding_mode` LowCardinality(String) CODEC(ZSTD(1)),
    `rounding_scale` Int32 CODEC(T64, ZSTD(1)),
    `rounding_difference` Decimal(38, 9) CODEC(ZSTD(1)),
    `currency` LowCardinality(String) CODEC(ZSTD(1)),
    `usage_rating_tag` LowCardinality(String) CODEC(ZSTD(1)),
    `tax_category` LowCardinality(String) CODEC(ZSTD(1)),
    `legal_entity` LowCardinality(String) CODEC(ZSTD(1)),
    `gl_code` LowCardinality(String) CODEC(ZSTD(1)),
    `bill_period` LowCardinality(String) CODEC(ZSTD(1)),
    `is_billed` Int32 CODEC(T64, ZSTD(1)),
    `fate_change` Int32 CODEC(T64, ZSTD(1)),
    `rater` LowCardinality(String) CODEC(ZSTD(1)),
    `catalog_hash` LowCardinality(String) CODEC(ZSTD(1)),
    `engine_version` LowCardinality(String) CODEC(ZSTD(1)),
    `ledgered_at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `batch_token` LowCardinality(String) CODEC(ZSTD(1)),
    INDEX start_time_minmax start_time TYPE minmax GRANULARITY 1
)
ENGINE = {engine:MergeTree}
PARTITION BY toDate(ledgered_at)
ORDER BY (tenant_id, toStartOfHour(start_time), service, account_id, start_time)
TTL toDateTime(ledgered_at) + INTERVAL 400 DAY DELETE
SETTINGS non_replicated_deduplication_window = 10000,
    min_bytes_for_wide_part = 1000000000, min_rows_for_wide_part = 10000000,
    fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS set_aside_events {on_cluster}
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
    `byte_offset` Int64 CODEC(T64, ZSTD(1)),
    `byte_length` Int32 CODEC(T64, ZSTD(1)),
    `raw_hash` UInt64 CODEC(ZSTD(1)),
    `collected_at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `fate` LowCardinality(String) CODEC(ZSTD(1)),
    `reason` LowCardinality(String) CODEC(ZSTD(1)),
    `detail` String CODEC(ZSTD(1)),
    `records` Int64 CODEC(T64, ZSTD(1)),
    `joined_into` String CODEC(ZSTD(1)),
    `ledgered_at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `batch_token` LowCardinality(String) CODEC(ZSTD(1))
)
ENGINE = {engine:MergeTree}
PARTITION BY toDate(ledgered_at)
ORDER BY (tenant_id, feed_id, collected_at, record_no)
TTL toDateTime(ledgered_at) + INTERVAL 90 DAY DELETE
SETTINGS non_replicated_deduplication_window = 10000,
    min_bytes_for_wide_part = 1000000000, min_rows_for_wide_part = 10000000,
    fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS suspense_events {on_cluster}
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
    `byte_offset` Int64 CODEC(T64, ZSTD(1)),
    `byte_length` Int32 CODEC(T64, ZSTD(1)),
    `raw_hash` UInt64 CODEC(ZSTD(1)),
    `collected_at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `suspense_id` String CODEC(ZSTD(1)),
    `stage` LowCardinality(String) CODEC(ZSTD(1)),
    `reason` LowCardinality(String) CODEC(ZSTD(1)),
    `detail` String CODEC(ZSTD(1)),
    `missing_ref` String CODEC(ZSTD(1)),
    `change` Int32 CODEC(T64, ZSTD(1)),
    `records` Int64 CODEC(T64, ZSTD(1)),
    `service` LowCardinality(String) CODEC(ZSTD(1)),
    `event_time` Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD(1)),
    `quantity` Int64 CODEC(T64, ZSTD(1)),
    `payload_hash` UInt64 CODEC(ZSTD(1)),
    `raw` String CODEC(ZSTD(1)),
    `usage` String CODEC(ZSTD(1)),
    `estimated_amount` Nullable(Decimal(38, 9)) CODEC(ZSTD(1)),
    `estimated_currency` LowCardinality(String) CODEC(ZSTD(1)),
    `estimate_method` LowCardinality(String) CODEC(ZSTD(1)),
    `ledgered_at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `batch_token` LowCardinality(String) CODEC(ZSTD(1))
)
ENGINE = {engine:MergeTree}
PARTITION BY toDate(ledgered_at)
ORDER BY (tenant_id, feed_id, reason, suspense_id)
TTL toDateTime(ledgered_at) + INTERVAL 400 DAY DELETE
SETTINGS non_replicated_deduplication_window = 10000,
    min_bytes_for_wide_part = 1000000000, min_rows_for_wide_part = 10000000,
    fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS feed_files {on_cluster}
(
    `tenant_id` LowCardinality(String) CODEC(ZSTD(1)),
    `feed_id` LowCardinality(String) CODEC(ZSTD(1)),
    `lane` LowCardinality(String) CODEC(ZSTD(1)),
    `file_id` LowCardinality(String) CODEC(ZSTD(1)),
    `file_name` String CODEC(ZSTD(1)),
    `sha256` String CODEC(ZSTD(1)),
    `size` Int64 CODEC(T64, ZSTD(1)),
    `status` LowCardinality(String) CODEC(ZSTD(1)),
    `replay_of` String CODEC(ZSTD(1)),
    `sequence` Int64 CODEC(T64, ZSTD(1)),
    `records` Int64 CODEC(T64, ZSTD(1)),
    `decoded` Int64 CODEC(T64, ZSTD(1)),
    `suspended` Int64 CODEC(T64, ZSTD(1)),
    `filtered` Int64 CODEC(T64, ZSTD(1)),
    `duplicates` Int64 CODEC(T64, ZSTD(1)),
    `declared_records` Int64 CODEC(T64, ZSTD(1)),
    `counted_records` Int64 CODEC(T64, ZSTD(1)),
    `declared_total` Int64 CODEC(T64, ZSTD(1)),
    `counted_total` Int64 CODEC(T64, ZSTD(1)),
    `trailer_found` Bool CODEC(ZSTD(1)),
    `first_event_time` Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD(1)),
    `last_event_time` Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD(1)),
    `collected_at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `ledgered_at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `batch_token` LowCardinality(String) CODEC(ZSTD(1))
)
ENGINE = {engine:MergeTree}
PARTITION BY toDate(ledgered_at)
ORDER BY (tenant_id, feed_id, file_id, collected_at)
TTL toDateTime(ledgered_at) + INTERVAL 400 DAY DELETE
SETTINGS non_replicated_deduplication_window = 10000,
    min_bytes_for_wide_part = 1000000000, min_rows_for_wide_part = 10000000,
    fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS lane_counts {on_cluster}
(
    `lane` LowCardinality(String) CODEC(ZSTD(1)),
    `feed_id` LowCardinality(String) CODEC(ZSTD(1)),
    `term` LowCardinality(String) CODEC(ZSTD(1)),
    `records` Int64 CODEC(T64, ZSTD(1)),
    `collected_at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `ledgered_at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `batch_token` LowCardinality(String) CODEC(ZSTD(1))
)
ENGINE = {engine:MergeTree}
PARTITION BY toDate(ledgered_at)
ORDER BY (lane, feed_id, term, collected_at)
TTL toDateTime(ledgered_at) + INTERVAL 400 DAY DELETE
SETTINGS non_replicated_deduplication_window = 10000,
    min_bytes_for_wide_part = 1000000000, min_rows_for_wide_part = 10000000,
    fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS lane_ledger {on_cluster}
(
    `lane` LowCardinality(String) CODEC(ZSTD(1)),
    `position` Int64 CODEC(T64, ZSTD(1)),
    `source` LowCardinality(String) CODEC(ZSTD(1)),
    `first` Int64 CODEC(T64, ZSTD(1)),
    `last` Int64 CODEC(T64, ZSTD(1)),
    `records` Int64 CODEC(T64, ZSTD(1)),
    `ledgered_at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `catalog_hash` LowCardinality(String) CODEC(ZSTD(1)),
    `token` LowCardinality(String) CODEC(ZSTD(1)),
    `detail` String CODEC(ZSTD(1)),
    `schema_version` Int32 CODEC(T64, ZSTD(1))
)
ENGINE = {engine:MergeTree}
PARTITION BY toDate(ledgered_at)
ORDER BY (lane, position)
TTL toDateTime(ledgered_at) + INTERVAL 90 DAY DELETE
SETTINGS non_replicated_deduplication_window = 10000,
    min_bytes_for_wide_part = 1000000000, min_rows_for_wide_part = 10000000,
    fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS alerts {on_cluster}
(
    `alert_id` String CODEC(ZSTD(1)),
    `tenant_id` LowCardinality(String) CODEC(ZSTD(1)),
    `control_id` LowCardinality(String) CODEC(ZSTD(1)),
    `kind` LowCardinality(String) CODEC(ZSTD(1)),
    `pattern` LowCardinality(String) CODEC(ZSTD(1)),
    `gb941_area` LowCardinality(String) CODEC(ZSTD(1)),
    `entity_type` LowCardinality(String) CODEC(ZSTD(1)),
    `entity_id` String CODEC(ZSTD(1)),
    `feed_id` LowCardinality(String) CODEC(ZSTD(1)),
    `window_start` Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD(1)),
    `window_end` Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD(1)),
    `opened_at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `detected_at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `event_time_lag_us` Int64 CODEC(T64, ZSTD(1)),
    `score` Int32 CODEC(T64, ZSTD(1)),
    `threshold` Int32 CODEC(T64, ZSTD(1)),
    `expected` Int64 CODEC(T64, ZSTD(1)),
    `observed` Int64 CODEC(T64, ZSTD(1)),
    `unit` LowCardinality(String) CODEC(ZSTD(1)),
    `direction` LowCardinality(String) CODEC(ZSTD(1)),
    `money_at_risk` Nullable(Decimal(38, 9)) CODEC(ZSTD(1)),
    `money_low` Nullable(Decimal(38, 9)) CODEC(ZSTD(1)),
    `money_high` Nullable(Decimal(38, 9)) CODEC(ZSTD(1)),
    `money_method` LowCardinality(String) CODEC(ZSTD(1)),
    `currency` LowCardinality(String) CODEC(ZSTD(1)),
    `confidence` Int32 CODEC(T64, ZSTD(1)),
    `severity` LowCardinality(String) CODEC(ZSTD(1)),
    `state` LowCardinality(String) CODEC(ZSTD(1)),
    `evidence` String CODEC(ZSTD(1)),
    `evidence_count` Int64 CODEC(T64, ZSTD(1)),
    `features` String CODEC(ZSTD(1)),
    `rule_version` LowCardinality(String) CODEC(ZSTD(1)),
    `reference_versions` String CODEC(ZSTD(1)),
    `suggested_action` String CODEC(ZSTD(1)),
    `explanation` String CODEC(ZSTD(1)),
    `case_id` String CODEC(ZSTD(1)),
    `feedback` String CODEC(ZSTD(1)),
    `ledgered_at` DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    `batch_token` LowCardinality(String) CODEC(ZSTD(1))
)
ENGINE = {engine:ReplacingMergeTree(ledgered_at)}
PARTITION BY toDate(ledgered_at)
ORDER BY (tenant_id, control_id, alert_id)
TTL toDateTime(ledgered_at) + INTERVAL 400 DAY DELETE
SETTINGS non_replicated_deduplication_window = 10000,
    min_bytes_for_wide_part = 1000000000, min_rows_for_wide_part = 10000000,
    fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS lane_owners {on_cluster}
(
    `lane` LowCardinality(String),
    `generation` Int64,
    `claimed_at` DateTime64(6, 'UTC')
)
ENGINE = {engine:MergeTree}
ORDER BY (lane, generation);

CREATE TABLE IF NOT EXISTS fates_1h {on_cluster}
(
    `lane` LowCardinality(String),
    `feed_id` LowCardinality(String),
    `hour` DateTime('UTC'),
    `term` LowCardinality(String),
    `records` SimpleAggregateFunction(sum, Int64)
)
ENGINE = {engine:AggregatingMergeTree}
PARTITION BY toYYYYMM(hour)
ORDER BY (lane, feed_id, hour, term)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS revenue_1h {on_cluster}
(
    `tenant_id` LowCardinality(String),
    `hour` DateTime('UTC'),
    `service` LowCardinality(String),
    `currency` LowCardinality(String),
    `amount` SimpleAggregateFunction(sum, Decimal(38, 9)),
    `rounding_difference` SimpleAggregateFunction(sum, Decimal(38, 9)),
    `rated_quantity` SimpleAggregateFunction(sum, Int64),
    `events` SimpleAggregateFunction(sum, Int64)
)
ENGINE = {engine:AggregatingMergeTree}
ORDER BY (tenant_id, hour, service, currency)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_fates_1h_rated_events {on_cluster} TO fates_1h
AS SELECT lane, feed_id, toStartOfHour(collected_at) AS hour, 'rated' AS term, sum(toInt64(fate_change)) AS records
FROM rated_events
GROUP BY lane, feed_id, hour, term;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_fates_1h_set_aside_events {on_cluster} TO fates_1h
AS SELECT lane, feed_id, toStartOfHour(collected_at) AS hour, toString(fate) AS term, sum(records) AS records
FROM set_aside_events
GROUP BY lane, feed_id, hour, term;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_fates_1h_suspense_events {on_cluster} TO fates_1h
AS SELECT lane, feed_id, toStartOfHour(collected_at) AS hour, 'suspended' AS term, sum(toInt64(change) * records) AS records
FROM suspense_events
GROUP BY lane, feed_id, hour, term;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_fates_1h_lane_counts {on_cluster} TO fates_1h
AS SELECT lane, feed_id, toStartOfHour(collected_at) AS hour, toString(term) AS term, sum(records) AS records
FROM lane_counts
GROUP BY lane, feed_id, hour, term;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_revenue_1h_rated_events {on_cluster} TO revenue_1h
AS SELECT tenant_id, toStartOfHour(start_time) AS hour, service, currency, sum(amount) AS amount, sum(rounding_difference) AS rounding_difference, sum(rated_quantity) AS rated_quantity, sum(toInt64(fate_change)) AS events
FROM rated_events
GROUP BY tenant_id, hour, service, currency;

CREATE VIEW IF NOT EXISTS v_conservation {on_cluster} AS
SELECT lane, feed_id, hour,
    sumIf(records, term = 'collected') AS collected,
    sumIf(records, term = 'rated') AS rated,
    sumIf(records, term = 'duplicate') AS duplicate,
    sumIf(records, term = 'suspended') AS suspended,
    sumIf(records, term = 'filtered') AS filtered,
    sumIf(records, term = 'merged') AS merged,
    sumIf(records, term = 'open') AS open,
    sumIf(records, term = 'accepted') AS accepted,
    collected - rated - duplicate - suspended - filtered - merged - open AS difference
FROM fates_1h
GROUP BY lane, feed_id, hour;

CREATE VIEW IF NOT EXISTS v_suspense_open {on_cluster} AS
SELECT suspense_id, sum(s.change) AS open_changes,
    argMax(s.tenant_id, s.attempt) AS tenant_id, argMax(s.feed_id, s.attempt) AS feed_id,
    argMax(s.file_name, s.attempt) AS file_name, argMax(s.record_no, s.attempt) AS record_no,
    argMax(s.byte_offset, s.attempt) AS byte_offset, argMax(s.byte_length, s.attempt) AS byte_length,
    argMax(s.stage, s.attempt) AS stage, argMax(s.reason, s.attempt) AS reason,
    argMax(s.detail, s.attempt) AS detail, argMax(s.missing_ref, s.attempt) AS missing_ref,
    argMax(s.service, s.attempt) AS service, argMax(s.quantity, s.attempt) AS quantity,
    max(s.attempt) AS last_attempt, sum(s.change * s.records) AS records,
    argMax(s.estimated_amount, s.attempt) AS estimated_amount,
    argMax(s.estimated_currency, s.attempt) AS estimated_currency,
    argMax(s.estimate_method, s.attempt) AS estimate_method,
    min(s.ledgered_at) AS first_seen
FROM suspense_events AS s
GROUP BY suspense_id
HAVING open_changes > 0;

CREATE VIEW IF NOT EXISTS v_revenue {on_cluster} AS
SELECT tenant_id, toDate(hour) AS day, service, currency,
    sum(r.amount) AS amount, sum(r.events) AS events, sum(r.rated_quantity) AS rated_quantity
FROM revenue_1h AS r
GROUP BY tenant_id, day, service, currency;

CREATE VIEW IF NOT EXISTS v_rounding {on_cluster} AS
SELECT tenant_id, tariff_id, tariff_revision, currency, count() AS events,
    sum(r.amount) AS amount, sum(r.rounding_difference) AS rounding_difference
FROM rated_events AS r
GROUP BY tenant_id, tariff_id, tariff_revision, currency;

CREATE VIEW IF NOT EXISTS v_feed_files {on_cluster} AS
SELECT * FROM feed_files
ORDER BY feed_id, file_id, records DESC, status DESC
LIMIT 1 BY lane, feed_id, file_id, file_name;
