"""Tools of the chapters: figures with sliders, checks of claims, Gabor fits."""
