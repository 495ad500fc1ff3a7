"""Pages of this part, one file per page and verb."""
