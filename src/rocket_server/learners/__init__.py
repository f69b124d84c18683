"""People who learn, and the identities under which platforms know them."""
