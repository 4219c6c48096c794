"""Work outside requests: RQ workers that deliver webhooks, and the sweeper that needs no queue to find what is due."""
