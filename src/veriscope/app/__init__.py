"""The web app: it draws reports, and computes nothing itself."""
