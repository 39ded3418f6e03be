"""The matrix of credential situations: see test_credential_matrix.py."""
