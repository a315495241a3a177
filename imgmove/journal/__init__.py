"""The journal of jobs: SQLite on disk, the same in memory for tests, and the lock that gives a job one runner."""
