"""Pairs of a customer's query and an ideal response, mined out of one conversation."""
