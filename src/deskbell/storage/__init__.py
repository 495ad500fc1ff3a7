"""The stores: SQLite for the embedded default, and a full twin in memory. Both implement `ports.Store`."""
