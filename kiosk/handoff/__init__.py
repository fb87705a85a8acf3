"""The receipt computer's file: written whole or not at all, exactly once, never reused."""
