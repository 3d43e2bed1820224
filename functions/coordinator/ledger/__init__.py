"""Tokens: epochs settled, accounts, statements, and the reason for every unpaid minute."""
