"""HTTP as every source speaks it: bounded, by way of proxies, with TLS that is verified."""
