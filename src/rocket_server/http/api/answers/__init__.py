"""What routes answer, as the API's document says. Tests hold real answers against these models."""
