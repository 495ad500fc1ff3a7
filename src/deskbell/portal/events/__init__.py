"""Pages of events: what happened, and why each webhook was or was not called."""
