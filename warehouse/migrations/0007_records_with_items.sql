-- 0007 records with items: which usage of a record it is, and what a file says ahead of its records.

ALTER TABLE suspense_events {on_cluster} ADD COLUMN IF NOT EXISTS `file_head` String CODEC(ZSTD(1)) AFTER `raw`;

ALTER TABLE rated_events {on_cluster} ADD COLUMN IF NOT EXISTS `item_no` Int32 CODEC(T64, ZSTD(1)) AFTER `record_no`;

ALTER TABLE set_aside_events {on_cluster} ADD COLUMN IF NOT EXISTS `item_no` Int32 CODEC(T64, ZSTD(1)) AFTER `record_no`;

ALTER TABLE suspense_events {on_cluster} ADD COLUMN IF NOT EXISTS `item_no` Int32 CODEC(T64, ZSTD(1)) AFTER `record_no`;
