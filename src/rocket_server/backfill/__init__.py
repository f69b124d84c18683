"""What badges count is applied to the past: a job that a person starts goes through everybody."""
