# Golden values for src/evaluation/metrics/comparison.ts from NumPy, SciPy and statsmodels: the two-way bootstrap, the sign-flip test, Holm's correction.
# Run: python3 tools/comparison_golden.py > src/evaluation/metrics/comparison.golden.json
import json

import numpy as np
from scipy.stats import permutation_test
from statsmodels.stats.multitest import multipletests


def draw(count, seed):
    """Park and Miller's minimal standard generator: exact, so that any language repeats the same numbers."""
    state, values = seed, []
    for _ in range(count):
        state = 16807 * state % 2147483647
        values.append(state / 2147483647)
    return np.array(values)


def decisions(seeds, pairs, easy, seed):
    """Right decisions: some pairs are harder than others, some seeds better."""
    hardness = draw(pairs, 7)
    luck = draw(seeds, seed)
    noise = draw(seeds * pairs, seed + 1).reshape(seeds, pairs)
    return (noise < easy - 0.4 * hardness + 0.1 * luck[:, None]).astype(int)


def two_way(difference, replicates=20000):
    """Owen's pigeonhole bootstrap, written by weights instead of by drawn indices."""
    rng = np.random.default_rng(1)
    seeds, pairs = difference.shape
    of_seeds = rng.multinomial(seeds, np.full(seeds, 1 / seeds), replicates) / seeds
    of_pairs = rng.multinomial(pairs, np.full(pairs, 1 / pairs), replicates) / pairs
    means = np.einsum("rs,sp,rp->r", of_seeds, difference, of_pairs, optimize=True)
    return np.quantile(means, [0.025, 0.975]).tolist()


def comparison(seeds, pairs, gain, seed):
    control, treatment = decisions(seeds, pairs, 1.0, seed), decisions(seeds, pairs, 1.0 + gain, seed + 10)
    difference = treatment - control
    per_seed = difference.mean(axis=1)
    # SciPy wants two values at least; a single sign says nothing.
    flips = permutation_test((per_seed,), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue if seeds > 1 else 1
    return {
        "seeds": seeds, "pairs": pairs, "gain": gain, "seed": seed,
        "accuracies": [control.mean(axis=1).tolist(), treatment.mean(axis=1).tolist()],
        "standardDeviations": [control.mean(axis=1).std(ddof=1), treatment.mean(axis=1).std(ddof=1)] if seeds > 1 else None,
        "difference": float(difference.mean()),
        "interval": two_way(difference),
        "signFlip": float(flips),
    }


families = [[0.01, 0.04, 0.03, 0.005], [0.5, 0.2], [0.0625, 0.0625, 1.0], [0.02]]
print(json.dumps({
    "comparisons": [comparison(5, 400, 0.03, 11), comparison(8, 300, 0.0, 21), comparison(1, 500, 0.05, 31), comparison(3, 1000, -0.05, 41)],
    "holm": [{"given": p, "adjusted": multipletests(p, method="holm")[1].tolist()} for p in families],
}, indent=1))
