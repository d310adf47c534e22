"""One file per model; `spec.py` states the contract they keep."""
