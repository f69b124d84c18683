"""What learners do with a test: attempts and the answers in them."""
