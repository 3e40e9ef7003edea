# Golden values for src/evaluation from scikit-learn and SciPy: ROC, AUC, DET, equal error rate, TAR at FAR.
# Run: python3 tools/roc_golden.py > src/evaluation/metrics/roc.golden.json
import json

import numpy as np
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn.metrics import det_curve, roc_auc_score, roc_curve


def draw(count, seed):
    """Park and Miller's minimal standard generator: exact, so that any language repeats the same numbers."""
    state, values = seed, []
    for _ in range(count):
        state = 16807 * state % 2147483647
        values.append(state % 1048576 / 1048576 - 0.5)
    return np.array(values)


def case(seed, count, shift, quantum):
    labels = (draw(count, seed) < 0).astype(int)
    scores = draw(count, seed + 1) + shift * labels
    if quantum:
        scores = np.floor(scores * quantum) / quantum  # ties within and across the classes
    fpr, tpr, thresholds = roc_curve(labels, scores, drop_intermediate=False)
    mismatched = int((labels == 0).sum())
    result = {
        "seed": seed, "count": count, "shift": shift, "quantum": quantum,
        "matched": int(labels.sum()), "mismatched": mismatched,
        "auc": roc_auc_score(labels, scores),
        "eer": brentq(lambda x: 1 - x - float(interp1d(fpr, tpr)(x)), 0, 1, xtol=1e-15),
        "tarAtFar": {text: float(tpr[fpr <= float(text)].max()) for text in ["1e-1", "1e-2", "1e-3"]},
        "bestAccuracy": float(((tpr * labels.sum() + (1 - fpr) * mismatched) / count).max()),
    }
    if count <= 60:
        det_fpr, det_fnr, _ = det_curve(labels, scores)
        result |= {
            "fpr": fpr[1:].tolist(), "tpr": tpr[1:].tolist(), "thresholds": thresholds[1:].tolist(),
            "detFpr": det_fpr.tolist(), "detFnr": det_fnr.tolist(),
        }
    return result


print(json.dumps([case(11, 40, 0.3, 0), case(21, 60, 0.2, 8), case(31, 5000, 0.5, 0), case(41, 5000, 0.4, 64), case(51, 3000, 0, 16)], indent=1))
