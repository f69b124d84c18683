"""What a request meets before any route: connections, heads, bodies; knows no route and no database."""
