"""Staff authentication, diagnostics, service flag."""
