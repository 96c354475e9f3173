"""Models: backbones that turn images into features, and heads that turn features into logits."""
