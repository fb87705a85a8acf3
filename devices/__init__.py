"""Everything that touches hardware. Knows nothing of the kiosk."""
