"""Random differential test of pg_imat: does every IMAT equal its definition after every commit?"""
