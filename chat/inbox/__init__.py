"""What an inbox says and when it is open, as staff write it down. Plain Python; every value is checked here."""
