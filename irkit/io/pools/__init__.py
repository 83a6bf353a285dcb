"""Candidate pools of queries: feature files, and questions with the answers to choose from."""
