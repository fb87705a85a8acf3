"""Work that waits for the line, encrypted, for a day at most. Opt-in; paper comes first (docs/downtime.md)."""
