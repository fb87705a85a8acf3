"""The real camera."""
