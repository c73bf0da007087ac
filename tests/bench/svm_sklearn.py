"""scikit-learn's LinearSVC with its defaults on a feature file: seconds and objective, for the table in docs/benchmarks.md.

    python3 svm_sklearn.py TRAIN.h5 C        (needs scikit-learn, h5py)
"""
import sys
import time

import h5py
import numpy as np
from sklearn.svm import LinearSVC

with h5py.File(sys.argv[1]) as f:
    x, labels = f["features"][:], f["labels"][:]
c = float(sys.argv[2])
start = time.time()
machine = LinearSVC(C=c, dual=True).fit(x, labels)
seconds = time.time() - start
w = np.hstack([machine.coef_, machine.intercept_[:, None]])
margins = (x @ machine.coef_.T + machine.intercept_) * np.where(labels[:, None] == machine.classes_, 1, -1)
primal = 0.5 * (w**2).sum() + c * (np.maximum(0, 1 - margins) ** 2).sum()
print(f"LinearSVC: {seconds:.2f} s, primal {primal:.6f}, iterations {machine.n_iter_}")
