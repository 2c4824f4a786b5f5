"""The store: ClickHouse, embedded or a server; its tables, its users, its inserts."""
