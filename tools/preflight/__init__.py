"""`make preflight`: whether an apply would fail, asked of Google before anything is made.

Standard library only: Terraform starts it too, by whatever Python there is.
"""
