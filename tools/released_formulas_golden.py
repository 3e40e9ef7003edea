# Golden values of the published formulas, from their definitions in float64 and without any package: the λ schedule, ψ, the released
# MarginInnerProduct and InterClass layers forward and backward (wy1iu/sphereface-plus), and the energies of the MHE paper and its code.
# Run: python3 tools/released_formulas_golden.py > src/losses/released-formulas.golden.json
import itertools
import json
import math

X = [[1.0, 2.0, -1.0, 0.5], [-0.5, 1.0, 2.0, 1.5]]
W = [[1.0, 0.5, 0.0, 0.2], [0.0, 1.0, 1.0, -1.0], [-1.0, 0.3, 0.4, 2.0]]
LABELS = [0, 2]
TOP_GRADIENT = [[-0.7, 0.4, 0.3], [0.1, 0.2, -0.3]]
LAMBDA = 5.0


def dot(a, b):
    return math.fsum(p * q for p, q in zip(a, b))


def length(a):
    return math.sqrt(dot(a, a))


def scaled(factor, a):
    return [factor * p for p in a]


def added(*vectors):
    return [math.fsum(column) for column in zip(*vectors)]


def unit(a):
    return scaled(1 / length(a), a)


def mean(values):
    return math.fsum(values) / len(values)


def psi(m, angle):
    """(-1)^k cos(m θ) - 2 k on [k π / m, (k + 1) π / m]."""
    k = min(int(m * angle / math.pi), m - 1)
    return (-1) ** k * math.cos(m * angle) - 2 * k


def sign(value):
    return (value > 0) - (value < 0)


def coefficients(m, c, norm):
    """Of the unit row and of x, in the gradient of |x| ψ(θ) with regard to x, as the layer writes them."""
    s0 = sign(c)
    if m == 2:
        return 4 * s0 * c, -(2 * s0 * c**2 + 1) / norm
    if m == 3:
        s1 = sign(abs(c) - 0.5)
        s2 = s0 * (1 + s1) - 2
        return s1 * (12 * c**2 - 3), -(8 * s1 * c**3 - s2) / norm
    s3 = s0 * sign(2 * c**2 - 1)
    s4 = 2 * s0 + s3 - 3
    return s3 * (32 * c**3 - 16 * c), -(s3 * (24 * c**4 - 8 * c**2 - 1) - s4) / norm


def margin_layer(m, normalised):
    rows = [unit(w) for w in W]
    top, features_gradient = [], []
    for x, label, gradient in zip(X, LABELS, TOP_GRADIENT):
        norm = length(x)
        scores, parts = [], []
        for j, (row, dy) in enumerate(zip(rows, gradient)):
            score, direction = dot(x, row), row
            if j == label and m > 1:
                c = max(-1.0, min(1.0, score / norm))
                a, b = coefficients(m, c, norm)
                if normalised:
                    a, b = a / math.hypot(a, b), b / math.hypot(a, b)
                score = (LAMBDA * score + norm * psi(m, math.acos(c))) / (1 + LAMBDA)
                own = added(scaled(a, row), scaled(b, x))
                direction = added(scaled(1 / (1 + LAMBDA), own), scaled(LAMBDA / (1 + LAMBDA), row))
            scores.append(score)
            parts.append(scaled(dy, direction))
        top.append(scores)
        features_gradient.append(added(*parts))
    # The layer's gradient of the rows is that of plain products, whatever the margin.
    rows_gradient = [added(*(scaled(g[j], x) for g, x in zip(TOP_GRADIENT, X))) for j in range(len(W))]
    return {
        "m": m,
        "coeff_normalised": normalised,
        "top": top,
        "dX": features_gradient,
        "dW_caffe": rows_gradient,
    }


def inter_class(kind, normalise, labels, alpha):
    """The layer's output and its gradient of the rows; each image adds to its own row."""
    rows = [unit(w) for w in W]
    centre = scaled(1 / len(rows), added(*rows))
    if normalise:
        centre = scaled(1 / math.sqrt(dot(centre, centre) + 1e-5), centre)
    gradient = [[0.0] * len(W[0]) for _ in W]
    if kind == "among":
        pairs = itertools.product(rows, (rows[y] for y in labels))
        squares = [length(added(a, scaled(-1, b))) ** 2 for a, b in pairs]
        output = math.fsum(squares) / len(rows)
        factor = -4 * alpha / (len(labels) * output**2 + 1e-5)
        for y in labels:
            gradient[y] = added(gradient[y], scaled(factor, added(rows[y], scaled(-1, centre))))
    else:
        output = 1 - mean([dot(centre, rows[y]) for y in labels])
        for y in labels:
            gradient[y] = added(gradient[y], scaled(alpha / len(labels), centre))
    return {"type": kind, "normalise": normalise, "labels": labels, "alpha": alpha, "dist": output, "dW": gradient}


def energies(rows):
    pairs = list(itertools.combinations([unit(row) for row in rows], 2))
    distances = [length(added(a, scaled(-1, b))) for a, b in pairs]
    angles = [math.acos(max(-1.0, min(1.0, dot(a, b)))) for a, b in pairs]
    turns = [angle / math.pi + 1e-4 for angle in angles]
    return {
        "s0": mean([-math.log(z) for z in distances]),
        "s0_code": mean([-math.log(z * z) for z in distances]),
        "s1": mean([1 / z for z in distances]),
        "s2": mean([z**-2 for z in distances]),
        "a0_code": mean([-math.log(z) for z in turns]),
        "a1_code": mean([1 / z for z in turns]),
        "a2_code": mean([z**-2 for z in turns]),
        "a2_opensphere": mean([z**-2 for z in angles]),
    }


def annealed(step, gamma):
    return {
        "iter": step,
        "base": 1000,
        "gamma": gamma,
        "power": 1,
        "min": 5,
        "value": max(5.0, 1000 * (1 + gamma * step) ** -1.0),
    }


STEPS = [1, 10, 100, 500, 1000, 1658, 1659, 1809, 1810, 2001]
DEGREES = [0, 10, 30, 50, 70, 95, 120.5, 150, 180]
CIRCLE = [[math.cos(2 * math.pi * k / 3), math.sin(2 * math.pi * k / 3)] for k in range(3)]
print(
    json.dumps(
        {
            "lambda": [annealed(step, gamma) for gamma in (0.12, 0.11) for step in STEPS],
            "psi": [
                {"m": m, "deg": degrees, "value": psi(m, math.radians(degrees))}
                for m in (1, 2, 3, 4)
                for degrees in DEGREES
            ],
            "margin": {
                "X": X,
                "W_raw": W,
                "labels": LABELS,
                "dTop": TOP_GRADIENT,
                "lambda": LAMBDA,
                "cases": [margin_layer(m, normalised) for m in (1, 2, 3, 4) for normalised in (True, False)],
            },
            "inter_class": [
                inter_class(kind, normalise, [0, 2, 2], 10) for kind in ("among", "mean") for normalise in (True, False)
            ],
            "mhe": {
                "full": energies(W),
                "half": energies(W + [scaled(-1, w) for w in W]),
                "equilateral_on_circle": energies(CIRCLE),
            },
        },
        indent=1,
    )
)
