"""What a trained model has learned: attributions of bases, motifs, effects of variants."""
