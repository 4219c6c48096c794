"""What tests stand on: real servers, real processes, data. Nothing here is a test."""
