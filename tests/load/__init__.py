"""The load test: customers on real sockets, at a pace of their own or at a rate of arrival. See docs/loadtest.md."""
