"""Commands that need torch; `app.cli` finds them through the entry points `cosia.commands`."""

from worker.cli.evaluation import evaluate
from worker.cli.models import model
from worker.cli.prediction import predict
from worker.cli.service import worker
from worker.cli.training import train

__all__ = ["evaluate", "model", "predict", "train", "worker"]
