-- 0005 writers of rollups: each row of a rollup is of one writer, so that a lane can make its own
-- rows anew while others insert. Rows from before have no writer.

ALTER TABLE fates_1h {on_cluster} ADD COLUMN IF NOT EXISTS `writer` LowCardinality(String) AFTER `term`, MODIFY ORDER BY (lane, feed_id, hour, term, writer);

ALTER TABLE revenue_1h {on_cluster} ADD COLUMN IF NOT EXISTS `writer` LowCardinality(String) AFTER `currency`, MODIFY ORDER BY (tenant_id, hour, service, currency, writer);

DROP VIEW IF EXISTS mv_fates_1h_rated_events {on_cluster};

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_fates_1h_rated_events {on_cluster} TO fates_1h
AS SELECT lane, feed_id, toStartOfHour(collected_at) AS hour, 'rated' AS term, if(countSubstrings(batch_token, ':') = 2, splitByChar(':', batch_token)[1], '') AS writer, sum(toInt64(fate_change)) AS records
FROM rated_events
GROUP BY lane, feed_id, hour, term, writer;

DROP VIEW IF EXISTS mv_fates_1h_set_aside_events {on_cluster};

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_fates_1h_set_aside_events {on_cluster} TO fates_1h
AS SELECT lane, feed_id, toStartOfHour(collected_at) AS hour, toString(fate) AS term, if(countSubstrings(batch_token, ':') = 2, splitByChar(':', batch_token)[1], '') AS writer, sum(records) AS records
FROM set_aside_events
GROUP BY lane, feed_id, hour, term, writer;

DROP VIEW IF EXISTS mv_fates_1h_suspense_events {on_cluster};

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_fates_1h_suspense_events {on_cluster} TO fates_1h
AS SELECT lane, feed_id, toStartOfHour(collected_at) AS hour, 'suspended' AS term, if(countSubstrings(batch_token, ':') = 2, splitByChar(':', batch_token)[1], '') AS writer, sum(toInt64(change) * records) AS records
FROM suspense_events
GROUP BY lane, feed_id, hour, term, writer;

DROP VIEW IF EXISTS mv_fates_1h_lane_counts {on_cluster};

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_fates_1h_lane_counts {on_cluster} TO fates_1h
AS SELECT lane, feed_id, toStartOfHour(collected_at) AS hour, toString(term) AS term, if(countSubstrings(batch_token, ':') = 2, splitByChar(':', batch_token)[1], '') AS writer, sum(records) AS records
FROM lane_counts
GROUP BY lane, feed_id, hour, term, writer;

DROP VIEW IF EXISTS mv_revenue_1h_rated_events {on_cluster};

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_revenue_1h_rated_events {on_cluster} TO revenue_1h
AS SELECT tenant_id, toStartOfHour(start_time) AS hour, service, currency, if(countSubstrings(batch_token, ':') = 2, splitByChar(':', batch_token)[1], '') AS writer, sumIf(amount, side != 'cost') AS amount, sumIf(rounding_difference, side != 'cost') AS rounding_difference, sumIf(rated_quantity, fate_change != 0) AS rated_quantity, sum(toInt64(fate_change)) AS events
FROM rated_events
GROUP BY tenant_id, hour, service, currency, writer;
