"""What is done to logits after training, one file each; fitted on validation."""
