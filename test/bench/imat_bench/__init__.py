"""What keeping a view current costs: pg_imat and its alternatives, side by side."""
