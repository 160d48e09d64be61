"""Stand-ins for the services of other companies; tests, bench and demo mode run them on loopback."""
