"""Pictures to raw pools: backbones, preprocessing, pooling and the extractor."""
