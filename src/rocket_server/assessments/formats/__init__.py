"""Question banks as files: what teachers bring from elsewhere, and what they take along."""
