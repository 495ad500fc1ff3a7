"""Pages of this part: the own account, and users."""
