class Concurrent:
    pass
