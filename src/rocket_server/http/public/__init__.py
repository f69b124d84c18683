"""The routes that platforms, operators and anybody may call: hooks, health, pages, public badges."""
