"""The routes of tests and attempts: paths, bodies and envelope as platforms know them."""
