"""Who may do what over HTTP: keys, signed addresses, Host, Origin, and response headers."""
