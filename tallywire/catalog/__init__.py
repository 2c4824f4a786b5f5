"""The catalogue: a folder of files people edit, compiled to an immutable snapshot."""
