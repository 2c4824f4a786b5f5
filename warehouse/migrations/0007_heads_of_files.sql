-- 0007 heads of files: what a file says ahead of its records, kept with a record that is held.

ALTER TABLE suspense_events {on_cluster} ADD COLUMN IF NOT EXISTS `file_head` String CODEC(ZSTD(1)) AFTER `raw`;
