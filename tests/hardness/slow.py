"""What every policy with a name says of an example, in plain loops over the table."""

import itertools
import math


def known(table, least=2):
    return [i for i in range(table.size) if table.predictions[i] >= least]


def class_rank(values, labels, who, among):
    mates = [i for i in among if labels[i] == labels[who]]
    smaller = sum(values[i] < values[who] for i in mates)
    return (smaller + sum(values[i] == values[who] for i in mates) / 2) / len(mates)


def variability(table, i):
    mean = float(table.probability_sum[i]) / int(table.predictions[i])
    square = float(table.probability_square_sum[i]) / int(table.predictions[i])
    return math.sqrt(max(square - mean * mean, 0.0))


def ambiguity(table, i):
    entropy = table.entropy_ema.tolist()
    spread = {j: variability(table, j) for j in known(table)}
    return sum(class_rank(values, table.label, i, known(table)) for values in (entropy, spread))


def latecomer(table, i):
    lead = float(table.lead_sum[i]) / int(table.predictions[i])
    return (1 - lead) * (1 + min(float(table.late_lead[i]), 0.0))


def loss_rank(table, i):
    losses = [float(table.loss_ema[j]) for j in range(table.size) if table.observations[j] >= 2]
    above = sum(loss > table.loss_ema[i] for loss in losses)
    return 1 / (above + (sum(loss == table.loss_ema[i] for loss in losses) + 1) / 2)


def loss_trend(table, i):
    loss, slower = float(table.loss_ema[i]), float(table.loss_slow_ema[i])
    return loss - (slower - loss)


def forgetting(table, i):
    never = [table.forgetting[j] == 0 and table.last_correct[j] == 0 for j in range(table.size)]
    return max(table.forgetting.tolist()) + 1 if never[i] else int(table.forgetting[i])


def aum(table, i):
    areas = {j: -float(table.aum_sum[j]) / int(table.predictions[j]) for j in known(table)}
    return class_rank(areas, table.label, i, known(table))


def slow_learned(table, i):
    early = {j: float(table.early_probability_sum[j]) / min(int(table.predictions[j]), 5) for j in known(table, 5)}
    if i not in early:
        return 0.0
    values = sorted(early[j] for j in early if table.label[j] == table.label[i])
    return float(early[i] <= two_means(values)[0])


def two_means(values):
    """Return the largest value of the lower cluster and the squared error, over all two-part splits by a threshold."""
    best = (-math.inf, math.inf)
    for threshold, following in itertools.pairwise(values):
        if threshold < following:
            parts = [v for v in values if v <= threshold], [v for v in values if v > threshold]
            error = sum((v - sum(part) / len(part)) ** 2 for part in parts for v in part)
            best = (threshold, error) if error < best[1] else best
    return best


SCORES = {
    "latecomer": latecomer,
    "ambiguity": ambiguity,
    "uniform": lambda table, i: 1.0,
    "loss_ema": lambda table, i: float(table.loss_ema[i]) + 1e-6,
    "loss_rank": loss_rank,
    "loss_trend": lambda table, i: (
        float(table.loss_ema[i]) - (float(table.loss_slow_ema[i]) - float(table.loss_ema[i]))
    ),
    "entropy": lambda table, i: float(table.entropy_ema[i]),
    "margin": lambda table, i: 1 - float(table.margin_ema[i]),
    "el2n": lambda table, i: float(table.error_norm_ema[i]),
    "forgetting": forgetting,
    "aum": aum,
    "confidence": lambda table, i: 1 - float(table.probability_sum[i]) / int(table.predictions[i]),
    "variability": variability,
    "slow_learned": slow_learned,
}
