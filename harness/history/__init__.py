"""History: series of one figure over runs, where they change, by how much, and what differs there."""
