"""Code shared by the models: base classes, moments, EM, argument checks, loadings, warnings."""
