"""How agents are grouped, and the replies they keep ready."""

from django.db import models
from django.db.models import Q

from chat.models.people import Agent


class Team(models.Model):
    """Agents who do the same work."""

    name = models.CharField(max_length=60, unique=True)
    agents = models.ManyToManyField(Agent, related_name="teams", blank=True)

    def __str__(self) -> str:
        return self.name


class CannedReply(models.Model):
    """A reply kept ready: an agent's own, a team's, or everybody's where neither is named."""

    folder = models.CharField(max_length=100, blank=True)
    title = models.CharField(max_length=60)
    text = models.TextField(max_length=2000)
    agent = models.ForeignKey(
        Agent, on_delete=models.CASCADE, null=True, blank=True, related_name="canned_replies"
    )
    team = models.ForeignKey(
        Team, on_delete=models.CASCADE, null=True, blank=True, related_name="canned_replies"
    )

    class Meta:
        verbose_name_plural = "canned replies"
        constraints = [
            models.CheckConstraint(
                condition=Q(agent=None) | Q(team=None), name="canned_reply_has_one_scope"
            )
        ]

    def __str__(self) -> str:
        return self.title
