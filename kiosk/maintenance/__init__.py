"""Staff authentication and the service flag."""
