"""The index: one relational view of all run records, in SQLite beside them or in a team's PostgreSQL."""
