"""What the models share: one base, moments, EM, checks of arguments, loadings, warnings."""
