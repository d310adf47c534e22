"""What can be read from embeddings, and by how much better than from simpler features."""
