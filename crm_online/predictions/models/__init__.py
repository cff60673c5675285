"""The models of a target: how they learn from labelled examples, how good they were, and what they predict."""

from crm_online.predictions.models.figures import JudgedGroup, ModelFigures
from crm_online.predictions.models.learner import TargetLearner
from crm_online.predictions.models.names import MODELS
from crm_online.predictions.models.target import Contribution, TargetModels

__all__ = ["MODELS", "Contribution", "JudgedGroup", "ModelFigures", "TargetLearner", "TargetModels"]
