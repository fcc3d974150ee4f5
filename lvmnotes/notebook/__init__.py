"""What the chapters show and check with: sliders, evidence for a claim, Gabor fits."""
