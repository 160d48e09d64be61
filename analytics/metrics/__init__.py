"""The dictionary of figures."""

from analytics.metrics.conversations import CONVERSATIONS
from analytics.metrics.models import MODELS
from analytics.metrics.service import LABELLED, SERVICE
from analytics.metrics.shapes import Metric, Percentile
from analytics.metrics.times import PERCENTILES

METRICS: dict[str, Metric] = {**CONVERSATIONS, **SERVICE, **LABELLED, **MODELS}

__all__ = ["LABELLED", "METRICS", "PERCENTILES", "Metric", "Percentile"]
