"""What all tests share: one thread per process, as where the book is built."""

import os

# Before numpy reads it, and for the kernels of the notebooks as well.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
