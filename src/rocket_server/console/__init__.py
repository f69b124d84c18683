"""The console: pages for people, drawn by the server from the use cases and reads of the API."""
