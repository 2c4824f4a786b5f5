-- 0002 maximum charge: whether the price's maximum cut a charge.

ALTER TABLE rated_events {on_cluster} ADD COLUMN IF NOT EXISTS `maximum_applied` Int32 CODEC(T64, ZSTD(1)) AFTER `minimum_applied`;
