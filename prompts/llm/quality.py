"""How likely an endpoint's answer is a good one, from how it fared before. Used by prompts.llm.router. Pure."""

from collections.abc import Mapping, Sequence

from prompts.llm.features import Option, Tally

PRIOR_MASS = 10.0


def p_ok(option: Option, *, prior_mass: float = PRIOR_MASS) -> float:
    """The expected share of good answers in the turn's cell, 0 to 1.

    Good answers are a Beta-binomial: with a prior of mean p and mass m, `good` of n make the posterior mean
    (good + m p) / (n + m) (Gelman et al., Bayesian Data Analysis, 3rd ed., section 2.4). The prior of each level is
    the posterior of the one above, from `option.quality` over all turns and the intent down to the cell, so that few
    observations move little (MacKay and Peto, A hierarchical Dirichlet language model, 1995).
    """
    mean = option.quality
    for tally in (option.overall, option.of_intent, option.of_cell):
        mean = posterior(tally, mean=mean, mass=prior_mass)
    return mean


def posterior(tally: Tally, *, mean: float, mass: float) -> float:
    return (tally.good + mass * mean) / (tally.n + mass)


def by_strength(
    options: Sequence[Option], *, prior_mass: float = PRIOR_MASS
) -> Mapping[str, float]:
    """`{name: p_ok}` such that no stronger option is thought worse than a lighter one.

    Where the counts say otherwise, neighbours share their mean, weighted by what was counted in the cell: the
    pool-adjacent-violators algorithm (Barlow et al., Statistical Inference under Order Restrictions, 1972), options
    of one strength in the order of their means (Kruskal's primary treatment of ties, 1964).
    """
    means = {option.name: p_ok(option, prior_mass=prior_mass) for option in options}
    pools: list[tuple[float, float, list[str]]] = []
    for option in sorted(options, key=lambda o: (o.strength, means[o.name], o.name)):
        mean, mass, names = means[option.name], option.of_cell.n + prior_mass, [option.name]
        while pools and pools[-1][0] > mean:
            other_mean, other_mass, other_names = pools.pop()
            mean = (mean * mass + other_mean * other_mass) / (mass + other_mass)
            mass, names = mass + other_mass, other_names + names
        pools.append((mean, mass, names))
    return {name: mean for mean, _, names in pools for name in names}
