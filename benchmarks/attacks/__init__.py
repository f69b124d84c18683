"""What one client can do to a server, with and without a key, and what a bystander sees of it meanwhile."""
