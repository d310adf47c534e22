"""One trainer over two engines, checkpoints, and the work folder of a run."""
