"""What a model still knows when its images are disturbed, by chance or on purpose."""
